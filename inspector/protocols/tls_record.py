"""TLS records (RFC 8446 5.1): their header, how long they may be, where they stand.

`tls.py` judges a conversation and counts its records.  Whoever has to say
which bytes are a record's header, its body, or a handshake message in the
clear, asks `TlsRecords`: one direction at a time, nothing kept but places.
"""

from __future__ import annotations

import struct
from typing import Final

from inspector.fact import Fact
from inspector.protocols.extent import Extent
from inspector.protocols.messages import EVERYTHING
from inspector.protocols.tls_hello import RETRY_RANDOM
from inspector.protocols.tls_names import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEARTBEAT,
    SERVER_HELLO,
    handshake_name,
)

#: The longest record body: 2^14 and 2048 of expansion (RFC 5246 6.2.3; later versions less).
MAX_RECORD: Final = (1 << 14) + 2048

#: Content type, legacy version, length of the body.
RECORD_HEADER: Final = struct.Struct(">BHH")
RECORD_HEADER_SIZE: Final = RECORD_HEADER.size


def is_record_header(kind: int, version: int, size: int) -> bool:
    """Whether these values of a header can begin a record of any type."""
    if not (CHANGE_CIPHER_SPEC <= kind <= HEARTBEAT and version >> 8 == 3 and version & 0xFF <= 4):
        return False
    # Only application data may be empty (RFC 8446 5.1).
    return size <= MAX_RECORD and (size > 0 or kind == APPLICATION_DATA)


#: Records that one handshake message may be spread over; 16 would carry the longest hello.
PARTS_LIMIT: Final = 1024

_MESSAGE_HEADER: Final = 4  # type and length, RFC 8446 4
#: A ServerHello to the end of its random, which tells a HelloRetryRequest.
_TELLING: Final = _MESSAGE_HEADER + 2 + len(RETRY_RANDOM)


class TlsRecord(Fact):
    """A record whose header was read; its body may be still to come.

    `kind` is the ContentType, `version` the legacy version, both as sent.
    """

    kind: int
    version: int
    header: Extent
    body: Extent


class HandshakeMessage(Fact):
    """A whole handshake message in the clear, its header included.

    `name` is that of its HandshakeType; `parts`: one extent for each record
    that carries some of it.
    """

    name: str
    parts: tuple[Extent, ...]


class NoRecord(Fact):
    """No record begins at `at`, where one must: the rest of the stream is not read."""

    at: int


class TlsRecords:
    """Walks the records of one direction.  `start`: the offset of its first byte.

    Handshake messages are told as long as they are in the clear: up to a
    ChangeCipherSpec (but for the one behind a HelloRetryRequest, RFC 8446 D.4), and
    to the first bytes of theirs that are missing.
    """

    __slots__ = (
        "_header", "_in_clear", "_kind", "_left", "_message", "_message_left", "_parts",
        "_position", "_retries", "lost",
    )  # fmt: skip

    def __init__(self, start: int = 0) -> None:
        self._position = start  # of the next byte fed
        self._header = b""  # what came of a record's header
        self._kind = 0
        self._left = 0  # of the current record's body
        self._in_clear = True
        self._message = b""  # what came of a message, as much as tells what it is
        self._message_left = 0
        self._parts: list[Extent] = []
        self._retries = False  # the latest message asks for another ClientHello
        self.lost = False

    @property
    def begun(self) -> int | None:
        """Where the record's header or the message began that is not whole yet; None: none did."""
        if self._parts:
            return self._parts[0].start
        return self._position - len(self._header) if self._header else None

    @property
    def parts(self) -> tuple[Extent, ...]:
        """What came so far of the handshake message that is not whole yet."""
        return tuple(self._parts)

    @property
    def skippable(self) -> int:
        """How many of the next bytes are not needed, only their number."""
        if self.lost:
            return EVERYTHING
        return 0 if self._reads_messages else self._left

    def feed(self, data: bytes) -> list[TlsRecord | HandshakeMessage | NoRecord]:
        """What the next bytes begin (records) and complete (messages)."""
        found: list[TlsRecord | HandshakeMessage | NoRecord] = []
        position, end, offset = 0, len(data), self._position
        self._position += end
        while position < end and not self.lost:
            if self._left:
                stop = min(end, position + self._left)
                self._left -= stop - position
                if self._reads_messages:
                    self._messages(data[position:stop], offset + position, found)
            else:
                stop = min(end, position + RECORD_HEADER_SIZE - len(self._header))
                self._header += data[position:stop]
                if len(self._header) == RECORD_HEADER_SIZE:
                    self._begin(offset + stop, found)
            position = stop
        return found

    def skip(self, n: int) -> None:
        """`n` bytes, at most `skippable`, went by unseen."""
        self._position += n
        self._left = max(0, self._left - n)

    @property
    def sealed(self) -> int | None:
        """How many bytes of application data are to come of the current record.

        None: another record is under way, or a header or message that is not whole.
        """
        if self.lost or self._header or self._parts:
            return None
        return self._left if self._kind == APPLICATION_DATA or not self._left else None

    def pass_sealed(self, n: int, left: int) -> None:
        """`n` bytes of whole headers and bodies of application data went by; `left` are to come."""
        self._position += n
        self._kind, self._left = APPLICATION_DATA, left

    def gap(self, n: int) -> None:
        """`n` bytes were not captured: past the current record's end nothing can be found."""
        if n <= 0:
            return
        self.lost = self.lost or bool(self._header) or n > self._left
        if self._reads_messages or self.lost:
            self.end_messages()
        self.skip(n)

    def end_messages(self) -> None:
        """What messages follow cannot be told: they are encrypted, or one's end is unknown."""
        self._in_clear = False
        self._message, self._message_left, self._parts = b"", 0, []

    @property
    def _reads_messages(self) -> bool:
        return self._in_clear and self._kind == HANDSHAKE

    def _begin(self, body: int, found: list[TlsRecord | HandshakeMessage | NoRecord]) -> None:
        """A header was read, behind which a body begins."""
        header, self._header = self._header, b""
        kind, version, size = RECORD_HEADER.unpack(header)
        start = body - RECORD_HEADER_SIZE
        if not is_record_header(kind, version, size):
            self.lost = True
            self.end_messages()
            found.append(NoRecord(start))
            return
        self._kind, self._left = kind, size
        if kind == CHANGE_CIPHER_SPEC and not self._retries:
            self.end_messages()
        found.append(TlsRecord(kind, version, Extent(start, body), Extent(body, body + size)))

    def _messages(
        self, data: bytes, offset: int, found: list[TlsRecord | HandshakeMessage | NoRecord]
    ) -> None:
        """Bytes of handshake messages, which may share a record or be spread over several."""
        position, end = 0, len(data)
        while position < end and self._in_clear:
            if len(self._message) < _MESSAGE_HEADER:
                stop = min(end, position + _MESSAGE_HEADER - len(self._message))
                self._message += data[position:stop]
                if len(self._message) == _MESSAGE_HEADER:
                    self._message_left = int.from_bytes(self._message[1:], "big")
            else:
                stop = min(end, position + self._message_left)
                self._message_left -= stop - position
                missing = _TELLING - len(self._message)
                self._message += data[position : min(stop, position + missing)]
            self._add_part(Extent(offset + position, offset + stop))
            position = stop
            if len(self._message) >= _MESSAGE_HEADER and not self._message_left:
                found.append(HandshakeMessage(handshake_name(self._message[0]), tuple(self._parts)))
                self._retries = self._message[0] == SERVER_HELLO and self._message.endswith(
                    RETRY_RANDOM
                )
                self._message, self._parts = b"", []

    def _add_part(self, part: Extent) -> None:
        if self._parts and self._parts[-1].stop == part.start:
            self._parts[-1] = Extent(self._parts[-1].start, part.stop)
        elif len(self._parts) < PARTS_LIMIT:
            self._parts.append(part)
        else:
            self.end_messages()
