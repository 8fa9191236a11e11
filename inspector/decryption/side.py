"""One direction of a session: which key opens the next record, and what the records say."""

from __future__ import annotations

from collections import deque
from typing import Final, TypeAlias

from inspector.decryption.opening import Key, Key13, Unopened
from inspector.decryption.records import LostRecords, SealedRecord
from inspector.decryption.traffic import Epoch
from inspector.protocols.tls_hello import has_early_data
from inspector.protocols.tls_names import APPLICATION_DATA, HANDSHAKE
from inspector.wire import Segment

#: What a record told: its application data, or that some of it is missing.
Told: TypeAlias = Segment | LostRecords

#: More application data than a framing can hold: how much is missing is not known.
LOST: Final = 1 << 40
#: Records that may be missing between two that are read.
WINDOW: Final = 64
#: Records in a row that no key opened, after which no more are tried.
PATIENCE: Final = 64

_HEADER: Final = 4
_END_OF_EARLY_DATA: Final = 5
_ENCRYPTED_EXTENSIONS: Final = 8
_FINISHED: Final = 20
_KEY_UPDATE: Final = 24
#: Bytes of one handshake message that are kept: certificates are long.
_MESSAGE_LIMIT: Final = 256 << 10
#: Bytes of early data that wait for the server's word.
_EARLY_LIMIT: Final = 1 << 20


class TlsSide:
    """Opens the records of one direction.

    `opened` counts records; `is_short`: some of what was said could not be read.
    """

    def __init__(self, *, is_client: bool) -> None:
        self.opened = 0
        self.is_short = False
        #: Of the server: whether it takes early data; None until it said so.
        self.accepts_early: bool | None = None
        self._is_client = is_client
        self._epochs: deque[Epoch] = deque()
        self._key: Key | None = None
        self._number = 0
        self._has_begun = self._is_old = self._is_changed = False
        self._unopened = 0
        self._is_dead = False
        # Bytes that were lost, and may have been several records.
        self._lost: LostRecords | None = None
        self._messages = bytearray()
        self._early: list[Segment] = []
        self._early_size = 0
        self._is_early_open = True

    @property
    def lacks_some(self) -> bool:
        """Whether something of what was said could not be read."""
        return self.is_short or self._unopened > 0

    def begin(self, epochs: tuple[Epoch, ...], *, is_old: bool) -> None:
        """It is known which keys there are."""
        self._epochs = deque(epochs)
        self._key = self._epochs[0].key
        self._is_old = is_old
        self._has_begun = True

    def change(self) -> None:
        """ChangeCipherSpec of TLS 1.2: what follows is encrypted (RFC 5246 7.1)."""
        if self._is_changed:
            self._die()  # other keys were agreed on inside
        self._is_changed = True

    def is_encrypted(self, kind: int) -> bool:
        """Whether a record of this type, that comes now, is encrypted."""
        if self._is_old:
            return self._is_changed
        return self._has_begun and kind == APPLICATION_DATA

    # -- records -----------------------------------------------------------------

    def miss(self, piece: LostRecords) -> list[Told]:
        """Records were not captured whole."""
        if not self._has_begun or (self._is_old and not self._is_changed):
            self._is_dead = True  # the handshake is what lacks
            self.is_short = True
            return []
        self.is_short = True
        self._messages.clear()
        if piece.one:
            self._number += 1
            size = -1 if self._key is None else self._key.content(piece.raw, 1)
            return [piece._replace(raw=size)] if self._epochs[0].is_traffic else []
        before = 0 if self._lost is None else self._lost.raw
        self._lost = piece._replace(raw=piece.raw + before)
        return []

    def open(self, record: SealedRecord) -> list[Told]:
        """What a record says; nothing where no key opens it."""
        if self._is_dead:
            self.is_short = True
            return []
        lost, self._lost = self._lost, None
        opened = self._opened(record) if lost is None else None
        told: list[Told] = []
        if opened is None and lost is not None:
            opened, missed = self._opened_later(record)
            if opened is None:
                self._lost = lost._replace(raw=lost.raw + len(record.header) + len(record.body))
            elif self._epochs[0].is_traffic:
                size = -1 if self._key is None else self._key.content(lost.raw, missed)
                told.append(lost._replace(raw=size))
        if opened is None:
            self._refused()
            return told
        self._unopened = 0
        self.opened += 1
        return told + self._said(record, *opened)

    def _opened(self, record: SealedRecord) -> tuple[int, bytes] | None:
        """By the key whose turn it is, or the first record of a later one."""
        for place, epoch in enumerate(self._epochs):
            key, number = (self._key, self._number) if not place else (epoch.key, 0)
            if key is None:
                continue
            try:
                found = key.open(number, record.header, record.body)
            except Unopened:
                continue
            for _ in range(place):
                self._next_epoch()
            self._number += 1
            return found
        return None

    def _opened_later(self, record: SealedRecord) -> tuple[tuple[int, bytes] | None, int]:
        """The same with records missing before it; how many these were."""
        if self._key is not None:
            for missed in range(WINDOW):
                number = self._number + missed
                try:
                    found = self._key.open(number, record.header, record.body)
                except Unopened:
                    continue
                self._number = number + 1
                return found, missed
        return self._opened(record), 0

    def _refused(self) -> None:
        """No key opens a record: it may be one of a handshake whose secret the log lacks."""
        self._unopened += 1
        is_wrong = self._epochs[0].is_traffic and self._lost is None and self.opened
        if is_wrong or self._unopened > PATIENCE:
            self._die()
        elif self._epochs[-1].key is None:
            self.is_short = True

    def _die(self) -> None:
        self._is_dead = self.is_short = True
        self._early.clear()

    def _next_epoch(self) -> None:
        if len(self._epochs) > 1:
            self._epochs.popleft()
            self._key = self._epochs[0].key
            self._number = 0
            self._messages.clear()

    # -- what they say -----------------------------------------------------------

    def _said(self, record: SealedRecord, kind: int, content: bytes) -> list[Told]:
        if kind == APPLICATION_DATA:
            segment = record.at, record.packet, content
            if self._epochs[0].is_early:
                return self._say_early(segment)
            return [segment] if content and self._epochs[0].is_traffic else []
        if kind == HANDSHAKE and not self._is_old:
            self._read_messages(content)
        return []

    def _read_messages(self, content: bytes) -> None:
        """Handshake messages under a key: those that change it (RFC 8446 4)."""
        messages = self._messages
        messages += content
        while len(messages) >= _HEADER:
            stop = _HEADER + int.from_bytes(messages[1:_HEADER], "big")
            if stop > _MESSAGE_LIMIT:
                self._die()
                return
            if len(messages) < stop:
                return
            kind, body = messages[0], bytes(messages[_HEADER:stop])
            del messages[:stop]
            if kind == _ENCRYPTED_EXTENSIONS:
                self.accepts_early = has_early_data(body)
            elif kind in (_FINISHED, _END_OF_EARLY_DATA):
                self._next_epoch()
                return
            elif kind == _KEY_UPDATE and isinstance(self._key, Key13):
                self._key = self._key.next()
                self._number = 0

    # -- early data --------------------------------------------------------------

    def _say_early(self, segment: Segment) -> list[Told]:
        if not self._is_early_open:
            return []
        self._early_size += len(segment[2])
        if self._early_size > _EARLY_LIMIT:
            self._die()
            return []
        self._early.append(segment)
        return []

    def decide_early(self, accepted: bool) -> list[Told]:
        """The server took early data, or did not: then its client says it again."""
        early, self._early = self._early, []
        self._is_early_open = self._is_early_open and accepted
        return [*early] if accepted else []
