"""ClientHello and ServerHello: what both say in the clear (RFC 8446 4.1).

Hellos come from whoever was captured, so a length that points outside of its
container ends the reading there: what was read before it stands, `whole` is
false.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from struct import Struct
from typing import Final

from inspector.fact import Fact
from inspector.protocols.tls_names import is_grease

#: ServerHello.random of a HelloRetryRequest, RFC 8446 4.1.3.
RETRY_RANDOM: Final = hashlib.sha256(b"HelloRetryRequest").digest()

_SERVER_NAME: Final = 0
_ALPN: Final = 16
_ENCRYPT_THEN_MAC: Final = 22
_EARLY_DATA: Final = 42
_SUPPORTED_VERSIONS: Final = 43

_ITEM: Final = Struct(">HH")

#: Names longer than a DNS name or an ALPN identifier can be are cut here.
_NAME_LIMIT: Final = 255


class ClientHello(Fact):
    """What a client offers.  `versions` are numbers, GREASE left out; `random` is its name."""

    sni: str | None
    alpn: tuple[str, ...]
    versions: tuple[int, ...]
    early_data: bool
    whole: bool
    random: bytes = b""


class ServerHello(Fact):
    """What a server chose.  `retry`: a HelloRetryRequest, which decides nothing yet.

    `mac_last`: records of CBC are encrypted first and authenticated then (RFC 7366).
    """

    version: int
    cipher: int | None
    retry: bool
    whole: bool
    alpn: str | None = None
    random: bytes = b""
    mac_last: bool = False


class _Short(Exception):
    """A length pointed past the end of its container."""


class _Reader:
    """A cursor over the vectors of RFC 8446 3.4."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise _Short
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def rest(self) -> bytes:
        return self._data[self._at :]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def items(self) -> Iterator[tuple[int, bytes]]:
        """(type, value) of each extension up to the end."""
        data, at, end = self._data, self._at, len(self._data)
        while at < end:
            if at + 4 > end:
                raise _Short
            kind, size = _ITEM.unpack_from(data, at)
            at += 4 + size
            if at > end:
                raise _Short
            yield kind, data[at - size : at]

    def vector(self, length_size: int) -> bytes:
        return self.take(self.number(length_size))


def parse_client_hello(body: bytes) -> ClientHello:
    """A ClientHello's body, the 4-byte handshake header left off."""
    reader = _Reader(body)
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    early_data = False
    random = b""
    whole = True
    try:
        legacy = reader.number(2)
        versions = (legacy,)
        random = reader.take(32)
        reader.vector(1)  # session id
        reader.vector(2)  # cipher suites
        reader.vector(1)  # compression methods
        extensions, whole = _extensions(reader)
        for kind, value in extensions.items():
            if kind == _SERVER_NAME:
                sni = _server_name(_Reader(value))
            elif kind == _ALPN:
                alpn = _protocols(_Reader(value))
            elif kind == _SUPPORTED_VERSIONS:
                offered = _Reader(_Reader(value).vector(1))
                numbers = []
                while offered:
                    numbers.append(offered.number(2))
                versions = tuple(number for number in numbers if not is_grease(number))
            elif kind == _EARLY_DATA:
                early_data = True
    except _Short:
        whole = False
    return ClientHello(sni, alpn, versions, early_data, whole, random)


def parse_server_hello(body: bytes) -> ServerHello:
    """A ServerHello's body; a HelloRetryRequest is one with a fixed random."""
    reader = _Reader(body)
    version = 0
    cipher: int | None = None
    random = b""
    alpn: str | None = None
    mac_last = False
    whole = True
    try:
        version = reader.number(2)
        random = reader.take(32)
        reader.vector(1)  # session id
        cipher = reader.number(2)
        reader.take(1)  # compression method
        extensions, whole = _extensions(reader)
        for kind, value in extensions.items():
            if kind == _SUPPORTED_VERSIONS:
                version = _Reader(value).number(2)
            elif kind == _ALPN:
                alpn = next(iter(_protocols(_Reader(value))), None)
            elif kind == _ENCRYPT_THEN_MAC:
                mac_last = True
    except _Short:
        whole = False
    retry = random == RETRY_RANDOM
    return ServerHello(version, cipher, retry, whole, alpn, random, mac_last)


def has_early_data(body: bytes) -> bool:
    """Whether EncryptedExtensions takes early data (RFC 8446 4.3.1, 4.2.10)."""
    try:
        return _EARLY_DATA in dict(_Reader(_Reader(body).vector(2)).items())
    except _Short:
        return False


def _extensions(reader: _Reader) -> tuple[_Reader, bool]:
    """The extension block, absent in old hellos, and whether all of it is there."""
    if not reader:
        return _Reader(b""), True
    size, rest = reader.number(2), reader.rest()
    return _Reader(rest[:size]), len(rest) >= size


def _server_name(value: _Reader) -> str | None:
    """The first host name of RFC 6066 3."""
    names = _Reader(value.vector(2))
    while names:
        kind = names.number(1)
        name = names.vector(2)
        if kind == 0:
            return name[:_NAME_LIMIT].decode("latin-1")
    return None


def _protocols(value: _Reader) -> tuple[str, ...]:
    """The protocol names of RFC 7301 3.1, GREASE left out."""
    names = _Reader(value.vector(2))
    found: list[str] = []
    while names:
        name = names.vector(1)
        if not (len(name) == 2 and is_grease(int.from_bytes(name, "big"))):
            found.append(name.decode("latin-1"))
    return tuple(found)
