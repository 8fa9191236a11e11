"""What of a ClientHello or ServerHello may stand in a copy (RFC 8446 4.1).

Lengths stay where they are true, types where somebody registered them, and of what they
frame: versions, randoms (a key log names a connection by the client's), lists of numbers,
the names of the server and of protocols.  Session ids, key shares, tickets and identities
of PSKs with their binders, and every extension that is not in the tables, keep their
length alone.

A hello may be cut anywhere: what stands before the cut is judged as if it were whole,
so that a reader of the copy takes from it what a reader of the original takes.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import and_
from typing import Final

from inspector.protocols.tls_names import CLIENT_HELLO, SERVER_HELLO, is_grease

#: A name as it may stand, of the same length.
Names = Callable[[bytes], bytes]

#: The header of a handshake message: type and length (RFC 8446 4).
HEADER: Final = 4
#: Byte -> 1 for a printable one of ASCII, else 0.
_IS_TEXT: Final = bytes(0x20 <= byte < 0x7F for byte in range(256))
#: As much of a server's name is read (`protocols/tls_hello.py`); DNS has none longer.
_NAME_LIMIT: Final = 255

_SERVER_NAME: Final = 0
_ALPN: Final = 16
#: Extension -> bytes before its list of 16-bit numbers: supported_groups, signature_algorithms
#: (and _cert), of a ClientHello supported_versions.
_LISTS: Final = {10: 2, 13: 2, 50: 2, 43: 1}
#: Extensions of at most so many bytes, numbers all: max_fragment_length, ec_point_formats,
#: encrypt_then_mac, extended_master_secret, compress_certificate, record_size_limit,
#: early_data, psk_key_exchange_modes, post_handshake_auth; of a ServerHello supported_versions.
_NUMBERS: Final = {1: 1, 11: 4, 22: 0, 23: 0, 27: 7, 28: 2, 42: 4, 45: 3, 49: 0}
_CHOSEN_VERSION: Final = 43
#: Types of extensions that stay: those that IANA registered one behind another, NPN, ALPS (twice),
#: Channel ID (twice), Encrypted Client Hello, renegotiation_info.
_KINDS: Final = frozenset((*range(66), 0x3374, 0x4469, 0x44CD, 0x754F, 0x7550, 0xFE0D, 0xFF01))


class _Cut(Exception):
    """The hello ends here, or a length points out of what it is in."""


class _Copy:
    """A hello's bytes, blank but for what was granted; `at` is the cursor."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.out = bytearray(b"x" * len(data))
        self.at = 0

    def keep(self, count: int) -> bytes:
        """The next bytes, which stay, as far as they are there."""
        start, stop = self.at, min(self.at + count, len(self.data))
        piece = self.data[start:stop]
        self.out[start:stop] = piece
        self.skip(count)
        return piece

    def skip(self, count: int) -> None:
        """The next bytes stay blank."""
        self.at += count
        if self.at > len(self.data):
            raise _Cut

    def number(self, size: int) -> int:
        return int.from_bytes(self.keep(size), "big")

    def length(self, size: int) -> int:
        """How many bytes follow; `_Cut` if fewer do.  Such a lie may be text, and stays blank.

        What it is blank with lies as well, or it stays as it is.
        """
        start = self.at
        self.skip(size)
        count = int.from_bytes(self.data[start : self.at], "big")
        rest = len(self.data) - self.at
        if count <= rest or int.from_bytes(b"x" * size, "big") <= rest:
            self.out[start : self.at] = self.data[start : self.at]
        if count > rest:
            raise _Cut
        return count

    def is_zero(self) -> bool:
        """Whether the next byte is 0, which stays; no other does."""
        start = self.at
        self.skip(1)
        if self.data[start]:
            return False
        self.out[start] = 0
        return True

    def numbers(self, count: int) -> None:
        """A list of 16-bit numbers.  Text in their place is no number that anybody registered."""
        start = self.at
        stop = start + (min(count, len(self.data) - start) & ~1)
        marks = self.data[start:stop].translate(_IS_TEXT)
        if 1 not in map(and_, marks[::2], marks[1::2]):
            self.out[start:stop] = self.data[start:stop]
            return self.skip(count)
        for at in range(start, stop, 2):
            pair = self.data[at : at + 2]
            if 0 in pair.translate(_IS_TEXT) or is_grease(int.from_bytes(pair, "big")):
                self.out[at : at + 2] = pair
        return self.skip(count)

    def name(self, count: int, names: Names) -> None:
        """A name of the server or a protocol."""
        start = self.at
        self.skip(count)
        kept = min(count, _NAME_LIMIT)
        self.out[start : start + kept] = names(self.data[start : start + kept])


def masked_message(data: bytes, names: Names, protocols: Names) -> bytes:
    """A handshake message, or as much as there is of it, as it may stand: of the same length."""
    copy = _Copy(data)
    try:
        kind = copy.number(1)
        copy.keep(HEADER - 1)
        if kind in (CLIENT_HELLO, SERVER_HELLO):
            _hello(copy, (names, protocols), is_client=kind == CLIENT_HELLO)
    except _Cut:
        pass
    return bytes(copy.out)


def _hello(copy: _Copy, names: tuple[Names, Names], *, is_client: bool) -> None:
    copy.keep(2 + 32)  # legacy version, random
    copy.skip(copy.number(1))  # session id
    if is_client:
        copy.numbers(copy.number(2))  # cipher suites
        count = copy.number(1)
        if count > 2:
            copy.skip(count)
        else:
            copy.keep(count)  # compression methods
    else:
        copy.numbers(2)  # cipher suite
        copy.keep(1)  # compression method
    if copy.at == len(copy.data):
        return
    end = copy.at + 2 + copy.number(2)
    while copy.at < min(end, len(copy.data)):
        begin = copy.at
        copy.skip(2 + 2)
        kind = int.from_bytes(copy.data[begin : begin + 2], "big")
        size = int.from_bytes(copy.data[begin + 2 : copy.at], "big")
        after = copy.at + size
        if after > min(end, len(copy.data)):
            raise _Cut  # nobody reads an extension that is cut, and its type may be text
        copy.at = begin
        if kind in _KINDS or is_grease(kind):
            copy.keep(2)
        else:
            copy.skip(2)
        copy.keep(2)
        try:
            _extension(copy, kind, size, names, is_client=is_client)
        except _Cut:
            copy.at = after
            continue
        copy.at = after


def _extension(
    copy: _Copy, kind: int, size: int, names: tuple[Names, Names], *, is_client: bool
) -> None:
    """What stays of one extension, all of which is there; `_Cut` where its lengths lie."""
    begin = copy.at
    inner = _Copy(copy.data[begin : begin + size])
    try:
        if kind == _SERVER_NAME and size:
            inner.numbers(2)
            while inner.at < size:
                is_host = inner.is_zero()
                count = inner.length(2)
                if is_host:
                    inner.name(count, names[0])
                else:
                    inner.skip(count)
        elif kind == _ALPN:
            inner.numbers(2)
            while inner.at < size:
                inner.name(inner.length(1), names[1])
        elif kind == _CHOSEN_VERSION and not is_client:
            inner.numbers(2)
        elif kind in _LISTS:
            inner.numbers(inner.length(_LISTS[kind]))
        elif size <= _NUMBERS.get(kind, -1):
            inner.keep(size)
    finally:
        copy.out[begin : begin + size] = inner.out
