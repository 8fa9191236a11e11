"""One direction of TLS in a copy: headers of records stay, their bodies do not.

What is encrypted is blank: whoever gets the session keys later must not read real
keys out of a file that was shared.  Of handshake messages in the clear stays what
`tls_hello` and `certificates` grant, so the names in hellos and in what a server shows
for itself; tickets and messages of unknown types are blank.  Alerts in the clear and
ChangeCipherSpec are numbers, and stay.  What follows behind a place where no record begins
is blank to the end.

`feed` takes bytes in pieces of any size and answers the masked bytes of what is
decided, always the next ones, as the maskers of bodies do.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

from inspector.credentials.masking import Masker
from inspector.native.functions import Core
from inspector.native.layout import SEAL_HIDES, Sealed, address
from inspector.native.used import USED
from inspector.protocols.extent import Extent
from inspector.protocols.tls import MAX_HELLO
from inspector.protocols.tls_names import (
    ALERT,
    APPLICATION_DATA,
    CERTIFICATE,
    CHANGE_CIPHER_SPEC,
    HEARTBEAT,
    SERVER_HELLO,
)
from inspector.protocols.tls_record import (
    RECORD_HEADER_SIZE,
    HandshakeMessage,
    TlsRecord,
    TlsRecords,
)
from inspector.redaction.certificates import masked_chain
from inspector.redaction.sealed import sealed
from inspector.redaction.tls_hello import HEADER, masked_message
from inspector.wire import Segment, size_of

#: Content types whose records may stay when they are exactly so long: ChangeCipherSpec, alerts.
_SERVER_HELLO: Final = bytes([SERVER_HELLO])
_CERTIFICATE: Final = bytes([CERTIFICATE])
_NUMBERS: Final = {CHANGE_CIPHER_SPEC: 1, ALERT: 2}


class TlsMasker:
    """Masks the bytes of one direction.

    `keep_ciphertext`: the bodies of encrypted records stay as they are.
    """

    def __init__(self, masker: Masker, *, keep_ciphertext: bool = False) -> None:
        self.changed = False
        self._masker = masker
        self._keep_ciphertext = keep_ciphertext
        self._records = TlsRecords()
        self._at = 0  # the offset of what waits
        self._raw = bytearray()
        self._out = bytearray()
        self._granted: list[Extent] = []  # stretches that stay, as far as they came
        self._is_encrypted = False
        self._is_server = False

    def feed(self, data: bytes) -> bytes | bytearray:
        """The next bytes."""
        left = None if self._raw else self._records.sealed
        if left is None or USED.core is None:
            return self._feed(data)
        sealed = self._sealed(USED.core, data, left)
        rest = data[len(sealed) :]
        return sealed + self._feed(rest) if rest else sealed

    def sealed(self, segments: Sequence[Segment], start: int) -> array[int] | None:
        """Records that are blank but for their headers, if the next bytes are nothing else.

        The first byte has the offset `start`.  None: they are to be fed.
        """
        left = None if self._raw or self._keep_ciphertext else self._records.sealed
        found = None if left is None else sealed(segments, start, left)
        if found is None:
            return None
        records, left = found
        count = size_of(segments)
        self._records.pass_sealed(count, left)
        self._at += count
        self._granted = []
        self.changed = self.changed or any(value & SEAL_HIDES for value in records[1::2])
        return records

    @property
    def passable(self) -> int:
        """How many of the next bytes are blank, and change nothing of what is known."""
        if self._raw or self._keep_ciphertext or not self.changed:
            return 0
        return self._records.sealed or 0

    def pass_over(self, count: int) -> None:
        """So many of these came, and are not fed."""
        self._records.skip(count)
        self._at += count

    def _sealed(self, core: Core, data: bytes, left: int) -> bytes | bytearray:
        """What comes of application data by the compiled core; `_feed` reads what is behind it."""
        walk = Sealed(left)
        out = bytearray(b"x") * len(data)
        count = core.seal(walk, data, len(data), self._keep_ciphertext, address(out))
        if not count:
            return b""
        self._records.pass_sealed(count, walk.left)
        self._at += count
        body = Extent(self._at, self._at + walk.left)
        self._granted = [body] if self._keep_ciphertext and walk.left else []
        del out[count:]
        self.changed = self.changed or out != data[:count]
        return out

    def _feed(self, data: bytes) -> bytes:
        self._raw += data
        self._out += b"x" * len(data)
        for item in self._records.feed(data):
            if isinstance(item, TlsRecord):
                self._record(item)
            elif isinstance(item, HandshakeMessage):
                self._message(item.parts)
        self._grant()
        begun = self._records.begun
        end = self._at + len(self._raw)
        if begun is not None and end - begun > MAX_HELLO:
            return self.flush()  # no reader collects more of a hello
        return self._decided(end if begun is None else begun)

    def flush(self) -> bytes:
        """Decide everything that is here; more may come."""
        if self._records.parts:
            self._message(self._records.parts)
            self._records.end_messages()
        elif self._records.begun is not None:
            self._start_of_header(self._records.begun)
        return self._decided(self._at + len(self._raw))

    def gap(self, count: int) -> None:
        """`count` bytes are missing behind what was decided by `flush`."""
        self._records.gap(count)
        self._at += count

    def _record(self, record: TlsRecord) -> None:
        self._granted.append(record.header)
        kind, body = record.kind, record.body
        size = body.stop - body.start
        if size == _NUMBERS.get(kind, -1) or (
            self._keep_ciphertext and self._is_ciphertext(kind, size)
        ):
            self._granted.append(body)
        if kind == CHANGE_CIPHER_SPEC:
            self._is_encrypted = True

    def _is_ciphertext(self, kind: int, size: int) -> bool:
        """Whether a record is encrypted: by its type, or because those before it changed to be."""
        return kind == APPLICATION_DATA or (
            self._is_encrypted and CHANGE_CIPHER_SPEC < kind <= HEARTBEAT
        )

    def _message(self, parts: tuple[Extent, ...]) -> None:
        """A handshake message, or what came of it."""
        at = self._at
        data = b"".join(bytes(self._raw[start - at : stop - at]) for start, stop in parts)
        if data[:1] == _SERVER_HELLO:
            self._is_server = True
        if self._is_server and data[:1] == _CERTIFICATE:
            masked = data[:HEADER] + masked_chain(data[HEADER:], self._masker)
        else:
            masked = masked_message(data, self._host, self._words)
        taken = 0
        for start, stop in parts:
            size = stop - start
            self._out[start - at : stop - at] = masked[taken : taken + size]
            taken += size

    def _host(self, name: bytes) -> bytes:
        """A server's name as the report shows it, in its length."""
        return self._masker.host(name.decode("latin-1")).encode("latin-1")

    def _words(self, name: bytes) -> bytes:
        """The name of a protocol as the report shows it, in its length."""
        return self._masker.granted_words(name.decode("latin-1")).encode("latin-1")

    def _start_of_header(self, start: int) -> None:
        """A header is not whole and must be decided: what has its form stays."""
        if start < self._at:
            return  # it was decided by its beginning
        begun = bytes(self._raw[start - self._at :])
        if CHANGE_CIPHER_SPEC <= begun[0] <= HEARTBEAT and begun[1:2] in (b"", b"\x03"):
            self._granted.append(Extent(start, start + RECORD_HEADER_SIZE))
            self._grant()

    def _grant(self) -> None:
        at, end = self._at, self._at + len(self._raw)
        for start, stop in self._granted:
            low, high = max(start, at) - at, min(stop, end) - at
            if low < high:
                self._out[low:high] = self._raw[low:high]
        self._granted = [extent for extent in self._granted if extent.stop > end]

    def _decided(self, until: int) -> bytes:
        count = until - self._at
        raw, out = bytes(self._raw[:count]), bytes(self._out[:count])
        del self._raw[:count], self._out[:count]
        self._at = until
        self.changed = self.changed or raw != out
        return out
