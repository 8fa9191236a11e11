"""What a TLS server says in the clear behind its ServerHello: TLS 1.2 and older.

Its certificates (RFC 5246 7.4.2) and whether it wants one of the client (7.4.4), until
ServerHelloDone (7.4.5).  In TLS 1.3 both are encrypted, and nothing is known of either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.model.network import Certificate
from inspector.protocols.extent import Extent
from inspector.protocols.tls_names import CERTIFICATE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE
from inspector.protocols.x509 import read_certificate

#: Bytes of one server's flight that are collected; a chain of RSA certificates has 6 KiB.
FLIGHT_LIMIT: Final = 64 << 10
#: Certificates of one chain that are read; the first is the server's own.
CHAIN_LIMIT: Final = 4
_HEADER: Final = 4


class ServerFlight:
    """Takes handshake bytes while it `is_open`.

    `wants_certificate` is None where the flight was not read to its end.
    """

    __slots__ = ("_bytes", "_wanted", "certificates", "is_open", "wants_certificate")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._wanted = False
        self.is_open = False
        self.certificates: tuple[Certificate, ...] = ()
        self.wants_certificate: bool | None = None

    def begin(self, rest: bytes) -> None:
        """The ServerHello was read; `rest` came behind it in the same record."""
        self.is_open = True
        self.receive(rest)

    def receive(self, data: bytes | bytearray) -> None:
        """The next handshake bytes of the server."""
        if not self.is_open:
            return
        self._bytes += data
        while len(self._bytes) >= _HEADER:
            end = _HEADER + int.from_bytes(self._bytes[1:_HEADER], "big")
            if end > FLIGHT_LIMIT:
                self.give_up()
                return
            if len(self._bytes) < end:
                return
            kind, body = self._bytes[0], bytes(self._bytes[_HEADER:end])
            del self._bytes[:end]
            if kind == CERTIFICATE:
                self.certificates = tuple(_chain(body))
            elif kind == CERTIFICATE_REQUEST:
                self.wants_certificate = self._wanted = True
            elif kind == SERVER_HELLO_DONE:
                self.wants_certificate = self._wanted
                self.give_up()
                return

    def give_up(self) -> None:
        """No more of it can be read."""
        self.is_open = False
        self._bytes.clear()


def _chain(body: bytes) -> Iterator[Certificate]:
    """The certificates of a Certificate message (a vector of vectors).

    The first is the server's own, each next one certifies the one before (RFC 5246 7.4.2): behind
    one that cannot be read it is not known whose the others are.
    """
    for start, stop in chain(body):
        certificate = read_certificate(body[start:stop])
        if certificate is None:
            return
        yield certificate


def chain(body: bytes) -> Iterator[Extent]:
    """Where the first certificates of a Certificate message stand, behind lengths of 3 bytes."""
    at, end, found = 3, min(3 + int.from_bytes(body[:3], "big"), len(body)), 0
    while at + 3 <= end and found < CHAIN_LIMIT:
        start = at + 3
        at = start + int.from_bytes(body[at:start], "big")
        yield Extent(start, min(at, len(body)))
        found += 1
