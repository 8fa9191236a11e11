"""One direction of a session: which key opens the next record, and what the records say."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple, TypeAlias

from inspector.decryption.opening import Key, Key13, Unopened
from inspector.decryption.records import RECORD_COST, LostRecords, SealedRecord
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
#: Bytes of early data that wait for the server's word, with what each record costs.
_EARLY_LIMIT: Final = 1 << 20


class _Opened(NamedTuple):
    """A record that a key opened: that of which later epoch, behind how many that are missing."""

    later: int
    missed: int
    kind: int
    content: bytes


class TlsSide:
    """Opens the records of one direction.

    `opened` counts records; `is_short`: some of what was said could not be read.
    """

    def __init__(self) -> None:
        self.opened = 0
        self.is_short = False
        #: Of the server: whether it takes early data; None until it said so.
        self.accepts_early: bool | None = None
        self._epochs: deque[Epoch] = deque()
        self._key: Key | None = None
        self._number = 0
        self._has_begun = self._is_old = self._is_changed = False
        self._unopened = 0
        # No more is opened, and whether that was told.
        self._is_dead = self._has_ended = False
        # Bytes that were lost, and may have been several records.
        self._lost: LostRecords | None = None
        self._messages = bytearray()
        self._early: list[Told] = []
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
        is_clear = piece.kind is not None and not self.is_encrypted(piece.kind)
        if is_clear and self._has_begun:
            return []  # a certificate, or an alert
        self.is_short = True
        if not self._has_begun or (self._is_old and not self._is_changed):
            self._is_dead = True  # the handshake is what lacks
            return []
        self._messages.clear()
        if piece.kind is None or self._lost is not None or not self._epochs[0].holds_data:
            self._lose(piece.raw, piece.at, piece.packet)
            return []
        self._number += 1
        is_data = not self._is_old or piece.kind == APPLICATION_DATA
        return self._hole(piece, self._content(piece.raw, 1)) if is_data else []

    def open(self, record: SealedRecord) -> list[Told]:
        """What a record says; nothing where no key opens it."""
        if self._is_dead:
            return self._ended(record.at, record.packet)
        opened = self._opened(record, 1 if self._lost is None else WINDOW)
        if opened is None:
            return self._refused(record)
        told = self._missed(record, opened)
        for _ in range(opened.later):
            self._next_epoch()
        self._number += opened.missed + 1
        self._lost = None
        self._unopened = 0
        self.opened += 1
        return told + self._said(record, opened.kind, opened.content)

    def end(self, at: int, packet: int, *, is_lost: bool) -> list[Told]:
        """Nothing more comes; `is_lost`: where a record begins was not found again."""
        if not self._has_begun:
            return []
        is_pending = self._lost is not None or self._unopened > 0 or bool(self._early) or is_lost
        return self._ended(at, packet) if is_pending else []

    def _opened(self, record: SealedRecord, window: int) -> _Opened | None:
        """By the key whose turn it is, or one of a later epoch; so many may be missing before."""
        for later, epoch in enumerate(self._epochs):
            key, first = (epoch.key, 0) if later else (self._key, self._number)
            if key is None:
                continue
            for missed in range(window):
                try:
                    kind, content = key.open(first + missed, record.header, record.body)
                except Unopened:
                    continue
                return _Opened(later, missed, kind, content)
        return None

    def _missed(self, record: SealedRecord, opened: _Opened) -> list[Told]:
        """What is missing between the records opened before and this one."""
        first, lost = self._epochs[0], self._lost
        at, packet = record[3:]
        if lost is None:
            # Early data whose secret the log lacks; a handshake's records hold none.
            is_unread = self._unopened and first.is_early
            return self._hole(LostRecords(-1, None, at, packet), -1) if is_unread else []
        if not opened.later:
            if not first.holds_data or not opened.missed:
                return []
            return self._hole(lost, self._content(lost.raw, opened.missed))
        # Which of the bytes were of which epoch nobody knows.
        if first.is_early:
            self._hole(lost, -1)
        is_data = self._epochs[opened.later].is_traffic and opened.missed
        return [lost._replace(raw=-1)] if is_data else []

    def _hole(self, lost: LostRecords, size: int) -> list[Told]:
        """So much application data is missing; -1: nobody knows how much."""
        hole = lost._replace(raw=size)
        return self._say_early(hole, 0) if self._epochs[0].is_early else [hole]

    def _content(self, raw: int, records: int) -> int:
        """How much that many records of `raw` bytes can have said; -1 where nobody knows."""
        return -1 if self._key is None else self._key.content(raw, records)

    def _lose(self, raw: int, at: int, packet: int) -> None:
        before = self._lost or LostRecords(0, None, at, packet)
        self._lost = before._replace(raw=before.raw + raw)

    def _refused(self, record: SealedRecord) -> list[Told]:
        """No key opens a record: it may be one of a handshake whose secret the log lacks."""
        self._unopened += 1
        is_wrong = self._epochs[0].is_traffic and self._lost is None and self.opened
        if self._lost is not None:
            self._lose(len(record.header) + len(record.body), record.at, record.packet)
        if is_wrong or self._unopened > PATIENCE:
            self._die()
        elif self._epochs[-1].key is not None:
            return []
        return self._ended(record.at, record.packet)

    def _ended(self, at: int, packet: int) -> list[Told]:
        """From here on application data is missing: told once."""
        self.is_short = True
        if self._has_ended:
            return []
        self._has_ended = True
        return [LostRecords(-1, None, at, packet)]

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
            if not content or not self._epochs[0].holds_data:
                return []
            if self._epochs[0].is_early:
                return self._say_early(segment, len(content))
            return [*self._undecided(record), segment]
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

    def _say_early(self, item: Told, size: int) -> list[Told]:
        """It waits for the server's word, in bounded memory."""
        if not self._is_early_open:
            return []
        self._early_size += size + RECORD_COST
        if self._early_size > _EARLY_LIMIT:
            self._die()
            return []
        self._early.append(item)
        return []

    def decide_early(self, accepted: bool) -> list[Told]:
        """The server took early data, or did not: then its client says it again."""
        early, self._early = self._early, []
        self._early_size = 0
        self._is_early_open = self._is_early_open and accepted
        if not accepted:
            return []
        self.is_short = self.is_short or any(isinstance(item, LostRecords) for item in early)
        return early

    def _undecided(self, record: SealedRecord) -> list[Told]:
        """What the server said to early data was not read: nobody knows whether it counts."""
        if not self._early:
            return []
        self.decide_early(False)
        self.is_short = True
        return [LostRecords(-1, None, record.at, record.packet)]
