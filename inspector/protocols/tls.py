"""A TLS conversation, watched from outside and without keys.

Records are walked by their 5-byte headers (RFC 8446 5.1); only the hellos,
readable alerts and, up to TLS 1.2, the server's flight (`tls_flight.py`) are
looked into, everything else is skipped over.  How the
outcome of a handshake is judged from record types, order and sizes is told in
docs/tls.md, and is decided in `tls_handshake.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

from inspector.model.capture import Fault
from inspector.model.network import Handshake, Tls
from inspector.protocols.messages import EVERYTHING
from inspector.protocols.tls_flight import ServerFlight
from inspector.protocols.tls_handshake import HandshakeProgress
from inspector.protocols.tls_hello import (
    ClientHello,
    parse_client_hello,
    parse_server_hello,
)
from inspector.protocols.tls_names import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    HANDSHAKE,
    SERVER_HELLO,
    alert_name,
    cipher_name,
    version_name,
)
from inspector.protocols.tls_record import RECORD_HEADER, RECORD_HEADER_SIZE, is_record_header
from inspector.protocols.tls_walk import RecordWalk, Use, Walk
from inspector.wire import Segment, span_of

#: Handshake bytes of one side that are kept to find its hello.
MAX_HELLO: Final = 64 << 10
#: Alerts listed for one conversation; a sane one has two.
MAX_ALERTS: Final = 16

_MESSAGE_HEADER: Final = 4
_TLS_1_2: Final = 0x0303
#: The largest record that an encrypted alert takes before TLS 1.3, where it is no record of data:
#: of CBC with SHA-256 16 bytes of IV and three blocks (RFC 5246 6.2.3.2).
_ALERT: Final = RECORD_HEADER_SIZE + 64


class TlsConversation:
    """Both directions of one TLS connection; `up` is client to server.

    `client_hello_digest` is the SHA-256 of the (first) ClientHello message,
    handshake header included: equal on two legs of one tunnel, and on nothing
    else, since a ClientHello holds 32 random bytes.  `first_data_at` and
    `last_data_at` (ns) span the application data of both directions; in TLS 1.3
    that begins after the client's first encrypted record, and includes session
    tickets, which look the same.  `records_*` count whole records of type 23
    and `app_bytes_*` the bytes of their bodies: lower bounds unless `exact`.
    """

    def __init__(self) -> None:
        self._up = RecordWalk(True)
        self._down = RecordWalk(False)
        self._progress = HandshakeProgress()
        self._flight = ServerFlight()
        self._client_hello: ClientHello | None = None
        self._alerts: list[str] = []
        # Of the server's handshake, as far as it is encrypted in records of type 23 (TLS 1.3).
        self._flight_bytes = 0
        self._gap = False
        self._closed = False
        # Whether the handshake is known to have succeeded: order matters no more.
        self.handshake_complete = False
        self.client_hello_digest: bytes | None = None
        self.first_data_at: int | None = None
        self.last_data_at: int | None = None
        self.faults: list[Fault] = []

    @property
    def records_up(self) -> int:
        return self._up.records

    @property
    def records_down(self) -> int:
        return self._down.records

    @property
    def app_bytes_up(self) -> int:
        return self._up.app_bytes

    @property
    def app_bytes_down(self) -> int:
        return self._down.app_bytes

    @property
    def data_down(self) -> int | None:
        """Bytes of the server's application data, without the encrypted part of its handshake.

        None where its hello or the border of a record is missing.
        """
        side = self._down
        if not self._progress.begun or side.walk is Walk.LOST:
            return None
        begun = side.size - side.left if side.left and side.use is Use.DATA else 0
        return side.app_bytes - self._flight_bytes + begun

    @property
    def exact(self) -> bool:
        """Whether every record could be walked, so that the counts are not lower bounds."""
        whole = (Walk.EXACT, Walk.COUNTED)
        return self._up.walk in whole and self._down.walk in whole

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes of one direction."""
        side = self._up if up else self._down
        if side.walk is not Walk.EXACT:
            return  # lost; or too short to be cut: the next cut tells its records, too
        done = 0
        if self.handshake_complete:
            done = side.pass_data(segments)
            if done:
                self._saw_data(*span_of(segments, done))
            if done == len(segments):
                return  # as nearly always
        for at, packet, data in segments[done:]:
            position, end = 0, len(data)
            while position < end and side.walk is Walk.EXACT:
                if side.left:
                    taken = min(side.left, end - position)
                    if side.use is Use.READING:
                        side.body += data[position : position + taken]
                    position += taken
                    self._advance(side, taken, at, packet)
                elif not side.header and end - position >= RECORD_HEADER_SIZE:
                    self._begin(side, RECORD_HEADER.unpack_from(data, position), at, packet)
                    position += RECORD_HEADER_SIZE
                else:
                    taken = RECORD_HEADER_SIZE - len(side.header)
                    side.header += data[position : position + taken]
                    position += taken
                    if len(side.header) == RECORD_HEADER_SIZE:
                        header, side.header = RECORD_HEADER.unpack(side.header), b""
                        self._begin(side, header, at, packet)

    def skippable(self, up: bool) -> int:
        """How many of the direction's next bytes are not needed, only their number."""
        side = self._up if up else self._down
        if side.walk is not Walk.EXACT:
            return EVERYTHING
        return 0 if side.use is Use.READING else side.left

    def skip(self, up: bool, n: int, at: int, packet: int) -> None:
        """`n` bytes, at most `skippable`, went by unseen; the last at `at` in `packet`."""
        side = self._up if up else self._down
        if side.walk is Walk.EXACT and n:
            self._advance(side, min(n, side.left), at, packet)

    def gap(self, up: bool, n: int, at: int, packet: int) -> None:
        """`n` bytes are missing.

        Within a record's body the walk goes on, since its end is known; past
        it the next header cannot be found, and this direction is given up.
        """
        side = self._up if up else self._down
        if side.walk is Walk.LOST or not n:
            return
        if side.walk is not Walk.EXACT:
            self._count_lost(side, packet)
            return
        if side.header or n > side.left:
            self._gap = self._gap or not self._progress.complete
            self._give_up(side, "tls-records-lost", packet, "bytes missing at a record border")
            return
        if side.use is Use.READING:
            side.use = Use.NOTHING
            if side.kind == HANDSHAKE and side.hello is not None:
                side.hello += side.body
                self._damaged_hello(side, packet, "bytes missing in a hello")
            else:
                self._flight.give_up()
        self._advance(side, n, at, packet)

    def cut(self, up: bool, records: int | None, at: int, packet: int, count: int) -> bool:
        """`count` bytes were left out by a filter that walked them.

        `records` of type 23 ended there; None: the filter had lost its way.  Answers whether that
        is enough to go on with: not before the hellos, which a filter never cuts.  A few bytes in
        which no data ends are taken for an alert, where an alert is none.
        """
        side, progress = (self._up if up else self._down), self._progress
        if not progress.begun or not progress.server_spoke:
            return False
        if side.walk is Walk.LOST:
            return True
        if side.walk is Walk.EXACT:
            side.walk = Walk.COUNTED
        side.left, side.header, side.hello = 0, b"", None
        side.use = Use.NOTHING
        side.body.clear()
        if records or count > _ALERT or not progress.is_old:
            side.app_bytes += count - RECORD_HEADER_SIZE * (records or 0)
        if records is None:
            self._count_lost(side, packet)
        elif records:
            side.records += records
            # The filter cuts after the client's Finished: what it cut is application data.
            progress.more_up = progress.more_up or (up and progress.first_up is not None)
            progress.data.add(up)
            self._saw_data(at, at)
        self.handshake_complete = progress.complete
        return True

    def _count_lost(self, side: RecordWalk, packet: int) -> None:
        if side.walk is not Walk.COUNTED_IN_PART:
            side.walk = Walk.COUNTED_IN_PART
            self.faults.append(
                Fault("tls-records-lost", packet, "bytes missing where a cut counts")
            )

    def close(self, up: bool, at: int, packet: int, reset: bool) -> None:
        """One side sent FIN, or RST if `reset`: nothing more comes from it."""
        self._closed = True
        side = self._up if up else self._down
        if side.walk is not Walk.LOST and (side.left or side.header):
            how = "reset" if reset else "closed"
            self.faults.append(Fault("tls-cut-record", packet, f"{how} within a record"))

    def facts(self, ended: Literal["open", "closed"]) -> Tls:
        """What the conversation showed, the connection now being `ended`."""
        hello, server = self._client_hello, self._progress.server
        return Tls(
            sni=None if hello is None else hello.sni,
            version=None if server is None else version_name(server.version),
            alpn_offered=() if hello is None else hello.alpn,
            cipher=None if server is None or server.cipher is None else cipher_name(server.cipher),
            handshake=self._outcome(self._closed or ended == "closed"),
            alerts=tuple(self._alerts),
            certificates=self._flight.certificates,
            wants_certificate=self._flight.wants_certificate,
            alpn=None if server is None else server.alpn,
        )

    def _outcome(self, closed: bool) -> Handshake:
        progress = self._progress
        if not progress.begun:
            return "not seen"
        if progress.complete:
            return "complete"
        # Behind a hole an alert that is encrypted may be the close of what went well.
        if progress.alerted and (self._alerts or not self._gap):
            return "failed"
        return "failed" if closed and not self._gap else "incomplete"

    def _begin(self, side: RecordWalk, header: tuple[int, int, int], at: int, packet: int) -> None:
        """A record header was read."""
        kind, _, size = header
        if not is_record_header(*header):
            self._give_up(side, "tls-bad-record", packet, "no TLS record where one must begin")
            return
        side.kind, side.size, side.left = kind, size, size
        side.use = self._use(side, kind, size)
        if not side.up:
            self._progress.server_spoke = True
        self._advance(side, 0, at, packet)

    def _use(self, side: RecordWalk, kind: int, size: int) -> Use:
        if kind == APPLICATION_DATA:
            return Use.DATA if self._progress.carries_data(side.up) else Use.NOTHING
        if kind == HANDSHAKE:
            is_read = side.hello is not None or (self._flight.is_open and not side.up)
            return Use.READING if is_read else Use.NOTHING
        return Use.READING if kind == ALERT and size == 2 else Use.NOTHING

    def _advance(self, side: RecordWalk, n: int, at: int, packet: int) -> None:
        """`n` bytes of the current record's body passed."""
        if side.use is Use.DATA:
            self._saw_data(at, at)
        side.left -= n
        if not side.left:
            self._end(side, packet)

    def _saw_data(self, first: int, last: int) -> None:
        """Data went by.  Directions read in batches come in no order of time."""
        if self.first_data_at is None or self.last_data_at is None:
            self.first_data_at, self.last_data_at = first, last
            return
        self.first_data_at = min(self.first_data_at, first)
        self.last_data_at = max(self.last_data_at, last)

    def _end(self, side: RecordWalk, packet: int) -> None:
        """The current record is whole."""
        kind, up, progress = side.kind, side.up, self._progress
        if kind == APPLICATION_DATA:
            side.records += 1
            side.app_bytes += side.size
            if not up and not progress.carries_data(up):
                self._flight_bytes += side.size
            progress.encrypted(up, side.size)
        elif kind == CHANGE_CIPHER_SPEC:
            progress.changed.add(up)
            if not up:
                self._flight.give_up()
        elif kind == HANDSHAKE:
            if up in progress.changed and side.hello is None:
                progress.finished.add(up)
            if side.use is Use.READING and side.hello is not None:
                side.hello += side.body
                self._read_hello(side, packet)
            elif side.use is Use.READING:
                self._flight.receive(side.body)
        elif kind == ALERT:
            if side.use is Use.READING:
                level, description = side.body
                progress.alert(level, description)
                if len(self._alerts) < MAX_ALERTS:
                    sender = "client" if up else "server"
                    self._alerts.append(alert_name(level, description, sender))
            elif progress.begun and not progress.complete:
                progress.alerted = True  # encrypted, before both Finished: RFC 5246 7.2
        side.body.clear()
        side.use = Use.NOTHING
        if not self.handshake_complete:
            self.handshake_complete = progress.complete

    def _read_hello(self, side: RecordWalk, packet: int) -> None:
        """Look for this side's hello in the handshake bytes collected so far.

        A ClientHello with post-quantum key shares often spans two segments,
        and may span records (RFC 8446 5.1).
        """
        wanted = CLIENT_HELLO if side.up else SERVER_HELLO
        while side.hello:
            if side.hello[0] != wanted:
                side.hello = None  # picked up after the hello
                return
            self._progress.begun = True
            end = _MESSAGE_HEADER + int.from_bytes(side.hello[1:_MESSAGE_HEADER], "big")
            if len(side.hello) < _MESSAGE_HEADER:
                return
            if end > MAX_HELLO:
                self._damaged_hello(side, packet, "a hello of more than 64 KiB")
                return
            if len(side.hello) < end:
                return
            message = bytes(side.hello[:end])
            del side.hello[:end]
            if side.up:
                self.client_hello_digest = hashlib.sha256(message).digest()
            if self._keep_hello(side, message[_MESSAGE_HEADER:]):
                continue
            self.faults.append(Fault("tls-bad-hello", packet, "a length points out of a hello"))

    def _keep_hello(self, side: RecordWalk, body: bytes) -> bool:
        """Read a hello, or what is there of one; false if it is not whole."""
        if side.up:
            side.hello = None
            self._client_hello = hello = parse_client_hello(body)
            return hello.whole
        server = parse_server_hello(body)
        if not server.retry or not server.whole:
            rest, side.hello = side.hello or b"", None
            if server.cipher is not None and not server.retry:
                self._progress.server = server
            if server.whole and server.version <= _TLS_1_2:
                self._flight.begin(bytes(rest))
        return server.whole

    def _damaged_hello(self, side: RecordWalk, packet: int, why: str) -> None:
        """Take from an incomplete hello what it shows, and collect no more."""
        collected, side.hello = side.hello or b"", None
        side.body.clear()
        if collected[:1] == bytes((CLIENT_HELLO if side.up else SERVER_HELLO,)):
            self._progress.begun = True
            self._keep_hello(side, bytes(collected[_MESSAGE_HEADER:]))
        self.faults.append(Fault("tls-bad-hello", packet, why))

    def _give_up(self, side: RecordWalk, fault: str, packet: int, why: str) -> None:
        """Stop walking this direction's records: where the next begins is not known."""
        side.walk = Walk.LOST
        side.left = 0
        side.header = b""
        side.hello = None
        side.body.clear()
        self.faults.append(Fault(fault, packet, why))
