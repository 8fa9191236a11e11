"""One TLS connection read with its keys: records in, application data out, holes named.

The order of keys is that of the handshake (RFC 8446 2, RFC 5246 7.3): early data, handshake,
traffic, each KeyUpdate.  Whatever a log lacks is left out: a record that no key opens is never
guessed at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from inspector.decryption.keystore import Keystore
from inspector.decryption.records import (
    RECORD_COST,
    LostRecords,
    RecordPiece,
    RecordReader,
    SealedRecord,
)
from inspector.decryption.side import LOST, TlsSide, Told
from inspector.decryption.suites import suite_of
from inspector.decryption.traffic import TrafficKeys, keys_12, keys_13
from inspector.model.network import DecryptionState, KeySource
from inspector.protocols.tls_hello import ClientHello, parse_client_hello, parse_server_hello
from inspector.protocols.tls_names import CHANGE_CIPHER_SPEC, CLIENT_HELLO, HANDSHAKE, SERVER_HELLO
from inspector.wire import Segment

_TLS_1_2: Final = 0x0303
_TLS_1_3: Final = 0x0304
_HEADER: Final = 4
#: Bytes of a handshake in the clear that are kept to find its hello.
_HELLO_LIMIT: Final = 64 << 10
#: Bytes of records that came before it was known which keys open them (0-RTT: 16 KiB as a rule),
#: with what each of them costs.
WAITING_LIMIT: Final = 1 << 20
#: Bytes of records of one connection that wait for secrets that are still to come, with what each
#: of them costs.
SECRETS_LIMIT: Final = 1 << 20
#: Nanoseconds by the packets' clock that they wait.
SECRETS_PATIENCE: Final = 2_000_000_000

#: Why a connection was not read, or not all of it.
Lack: TypeAlias = Literal[
    "secrets",
    "probe",
    "client-hello",
    "server-hello",
    "version",
    "suite",
    "master",
    "fit",
    "records",
]


class Plain(NamedTuple):
    """Application data of one record."""

    up: bool
    segment: Segment


class Hole(NamedTuple):
    """Application data that is missing: so much, or more than anybody could tell."""

    up: bool
    size: int
    at: int
    packet: int


class TlsSession:
    """Both directions of one connection.  `source`: whence its keys are, once they were found."""

    def __init__(self, keys: Keystore) -> None:
        self.source: KeySource = "none"
        self._keys = keys
        self._readers = {True: RecordReader(), False: RecordReader()}
        self._sides = {True: TlsSide(), False: TlsSide()}
        self._clear = {True: bytearray(), False: bytearray()}
        self._hello: ClientHello | None = None
        self._is_old = self._has_chosen = False
        # Nothing will be read of it: it has no keys, or another leg of it is read.
        self.is_over = False
        #: Its ends closed it: a record that is begun will never be whole.
        self.is_closed = False
        self._was_taken = False
        self._waiting: deque[RecordPiece] = deque()
        self._waits = 0
        # Bytes of records that did not wait, as they were too many.
        self._turned_away = 0
        self._unread: Lack | None = None
        # What came while secrets are still to come, since when and how much; None: nothing waits.
        self._held: list[tuple[bool, RecordPiece]] | None = None
        self._held_since = self._held_size = 0

    @property
    def state(self) -> DecryptionState:
        """How much of it was read."""
        if self._hello is None or self.source == "none":
            return "no-keys"
        sides = self._sides.values()
        if not any(side.opened for side in sides):
            return "failed"
        # What its sender broke off within a record nobody could read.
        is_read = all(
            one.is_whole or (self.is_closed and one.is_broken_off) for one in self._readers.values()
        )
        if any(side.lacks_some for side in sides) or not is_read:
            return "partial"
        return "decrypted"

    @property
    def lack(self) -> Lack | None:
        """Why it was not read, or not whole; None if it was."""
        state = self.state
        if state == "no-keys":
            if self._hello is None:
                return "client-hello"
            return "probe" if self._keys.is_probed else "secrets"
        if state == "failed":
            return self._unread or ("fit" if self._has_chosen else "server-hello")
        return "records" if state == "partial" else None

    @property
    def sni(self) -> str | None:
        """The name that the client asked for; None where it asked for none, or was not heard."""
        return None if self._hello is None else self._hello.sni

    @property
    def is_other_leg(self) -> bool:
        """Whether the same session is read elsewhere: of two legs of a tunnel one is enough."""
        return self._was_taken

    def receive(self, up: bool, segments: Sequence[Segment]) -> list[Plain | Hole]:
        """The next bytes of one direction."""
        told: list[Plain | Hole] = []
        for piece in self._readers[up].receive(segments):
            if self.is_over:
                break
            self._take(up, piece, told)
        return told

    def gap(self, up: bool, count: int, at: int, packet: int) -> list[Plain | Hole]:
        """Bytes are missing."""
        told: list[Plain | Hole] = []
        for piece in self._readers[up].gap(count, at, packet):
            self._take(up, piece, told)
        return told

    def lose(self, up: bool, count: int) -> None:
        """Bytes were cut away on purpose."""
        self._readers[up].lose(count)

    def settle(self) -> list[Plain | Hole]:
        """Nothing more comes: what waited for secrets is read with those that there are."""
        told: list[Plain | Hole] = []
        self._release(told)
        return told

    def end(self, up: bool, at: int, packet: int) -> list[Plain | Hole]:
        """Nothing more comes in a direction: the hole at its end, if there is one."""
        told = self.settle()
        self._tell(up, self._sides[up].end(at, packet, is_lost=self._readers[up].is_lost), told)
        return told

    # -- records -----------------------------------------------------------------

    def _take(self, up: bool, piece: RecordPiece, told: list[Plain | Hole]) -> None:
        if self._held is not None:
            self._hold(up, piece, told)
            return
        side = self._sides[up]
        if piece.kind == CHANGE_CIPHER_SPEC:
            if self._is_old:
                side.change()
        elif up and not self._has_chosen and self._hello is not None and piece.kind != HANDSHAKE:
            self._wait(piece)
        elif isinstance(piece, LostRecords):
            self._tell(up, side.miss(piece), told)
        elif side.is_encrypted(piece.kind):
            self._tell(up, side.open(piece), told)
            self._agree(told)
        elif piece.kind == HANDSHAKE:
            self._read_clear(up, piece, told)

    def _wait(self, piece: RecordPiece) -> None:
        """Early data, until it is known which keys open it."""
        size = piece.raw if isinstance(piece, LostRecords) else len(piece.header) + len(piece.body)
        held = RECORD_COST if isinstance(piece, LostRecords) else RECORD_COST + size
        if self._turned_away or self._waits + held > WAITING_LIMIT:
            self._turned_away += size
            return
        self._waits += held
        self._waiting.append(piece)

    def _read_waiting(self, at: int, packet: int, told: list[Plain | Hole]) -> None:
        """The keys are there: what waited for them is read."""
        side = self._sides[True]
        if self._turned_away:
            self._waiting.append(LostRecords(self._turned_away, None, at, packet))
        while self._waiting:
            piece = self._waiting.popleft()
            found = side.miss(piece) if isinstance(piece, LostRecords) else side.open(piece)
            self._tell(True, found, told)

    def _hold(self, up: bool, piece: RecordPiece, told: list[Plain | Hole]) -> None:
        """Keep what comes until the session's secrets are there, or it is too long or too much."""
        assert self._held is not None
        assert self._hello is not None
        size = RECORD_COST + (len(piece.body) if isinstance(piece, SealedRecord) else 0)
        self._held.append((up, piece))
        has_room = self._keys.make_room(size)
        self._held_size += size if has_room else 0
        is_late = piece.at - self._held_since > SECRETS_PATIENCE
        is_much = not has_room or self._held_size > SECRETS_LIMIT
        if is_late or is_much or not self._keys.awaits(self._hello.random):
            self._release(told)

    def _release(self, told: list[Plain | Hole]) -> None:
        held, self._held = self._held, None
        self._keys.give_room(self._held_size)
        self._held_size = 0
        if held is None or self._hello is None:
            return
        if self._keys.of_now(self._hello.random) is None:
            self.is_over = True
            return
        self.source = self._keys.source(self._hello.random)
        for up, piece in held:
            self._take(up, piece, told)

    def _tell(self, up: bool, found: list[Told], told: list[Plain | Hole]) -> None:
        for item in found:
            if isinstance(item, LostRecords):
                count = LOST if item.raw < 0 else item.raw
                told.append(Hole(up, count, item.at, item.packet))
            else:
                told.append(Plain(up, item))

    def _agree(self, told: list[Plain | Hole]) -> None:
        """Early data counts once the server took it (RFC 8446 4.2.10)."""
        accepted = self._sides[False].accepts_early
        if accepted is not None:
            self._tell(True, self._sides[True].decide_early(accepted), told)

    # -- hellos ------------------------------------------------------------------

    def _read_clear(self, up: bool, record: SealedRecord, told: list[Plain | Hole]) -> None:
        """Handshake messages before any key: the hellos are among them."""
        clear = self._clear[up]
        if len(clear) > _HELLO_LIMIT:
            return
        clear += record.body
        while len(clear) >= _HEADER:
            stop = _HEADER + int.from_bytes(clear[1:_HEADER], "big")
            if len(clear) < stop:
                return
            kind, body = clear[0], bytes(clear[_HEADER:stop])
            del clear[:stop]
            if up and kind == CLIENT_HELLO:
                self._client(body, record.at)
            elif not up and kind == SERVER_HELLO:
                self._server(body, record, told)

    def _client(self, body: bytes, at: int) -> None:
        if self._hello is not None:
            return  # the second one, after a HelloRetryRequest, has the same random
        self._hello = hello = parse_client_hello(body)
        awaits = self._keys.await_secrets(hello.random)
        if not awaits and self._keys.of(hello.random) is None:
            self.is_over = True
        elif not self._keys.take(hello.random):
            self._was_taken = self.is_over = True
        elif awaits:
            self._held, self._held_since = [], at
        else:
            self.source = self._keys.source(hello.random)

    def _server(self, body: bytes, record: SealedRecord, told: list[Plain | Hole]) -> None:
        hello = parse_server_hello(body)
        client = self._hello
        if hello.retry or self._has_chosen or hello.cipher is None:
            return
        if client is None:
            self.is_over = True  # the ClientHello was not captured
            return
        secrets = self._keys.of(client.random) or {}
        self._has_chosen = True
        keys: TrafficKeys | None = None
        if suite_of(hello.cipher) is None:
            self._unread = "suite"
        elif hello.version == _TLS_1_3:
            keys = keys_13(secrets, hello.cipher, early=client.early_data)
            self._unread = "suite" if keys is None else None
        elif hello.version == _TLS_1_2:
            self._is_old = True
            keys = keys_12(secrets, hello, client.random)
            self._unread = "master" if keys is None else None
        else:
            self._unread = "version"
        if keys is None:
            self.is_over = True
            return
        for up in (True, False):
            self._sides[up].begin(keys[up], is_old=self._is_old)
        self._read_waiting(record.at, record.packet, told)
