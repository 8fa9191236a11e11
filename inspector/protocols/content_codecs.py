"""The codings themselves: how each is recognised by its first bytes, and undone.

What comes out is made in parts of bounded size, as it is taken; how much may
come out is `content.py`'s.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from inspector.fact import Fact

#: Decoded bytes that come at once, about.
CHUNK: Final = 1 << 16

# Plain text where a coding without a magic number should start: that so many
# bytes are text by chance has a probability of about 0.4^16, 4e-7.
_TEXT_PROOF: Final = 16
_CONTROLS: Final = bytes({*range(32), 127} - {9, 10, 13})

# A zstd block of 4 bytes can yield 128 KiB, and the library has no way to bound
# one call's output: of one slice come at most 4 MiB (measured on zeros: 4 MiB).
_ZSTD_SLICE: Final = 128
# RFC 9659: a content coding's window is at most 8 MiB.
_ZSTD_WINDOW: Final = 1 << 23

_GZIP_BITS: Final = zlib.MAX_WBITS + 16
_GZIP_MAGIC: Final = b"\x1f\x8b\x08"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"


class Corrupt(Exception):
    """The bytes are not in the coding."""


class Codec(Protocol):
    """One coding's decompressor."""

    ended: bool
    """The coding's own end was met."""
    trailing: bool
    """Bytes that belong to nothing followed the end."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Decoded bytes in parts of bounded size, made only as they are taken.

        Raises Corrupt.
        """


class _Inflate:
    """gzip (also several members, RFC 1952 2.2), zlib and raw deflate."""

    def __init__(self, window_bits: int) -> None:
        self._bits = window_bits
        self._inflater = zlib.decompressobj(window_bits)
        self.ended = False
        self.trailing = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self.ended and not self._next_member(data):
                return
            inflater = self._inflater
            try:
                decoded = inflater.decompress(data, CHUNK)
            except zlib.error as error:
                raise Corrupt from error
            if decoded:
                yield decoded
            self.ended = inflater.eof
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if not data and (inflater.eof or len(decoded) < CHUNK):
                return

    def _next_member(self, data: bytes) -> bool:
        # gzip(1) pads with zeros, and ignores them itself.
        if self.trailing or not data.strip(b"\0"):
            return False
        if self._bits != _GZIP_BITS or not data.startswith(_GZIP_MAGIC[: len(data)]):
            self.trailing = True
            return False
        self._inflater = zlib.decompressobj(self._bits)
        self.ended = False
        return True


class _Brotli:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        import brotli

        self._error = brotli.error
        self._decompressor = brotli.Decompressor()
        self.ended = False
        self.trailing = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self.ended:
            self.trailing = self.trailing or bool(data)
            return
        decompressor = self._decompressor
        try:
            decoded = decompressor.process(data, output_buffer_limit=CHUNK)
            # Not `can_accept_more_data`: it says yes with megabytes still held.
            while decoded:
                yield decoded
                decoded = decompressor.process(b"", output_buffer_limit=CHUNK)
            self.ended = decompressor.is_finished()
        except self._error as error:
            raise Corrupt from error


class _Zstd:
    """zstd (RFC 8878), several and skippable frames included."""

    def __init__(self) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame = self._frames.decompressobj()
        self.ended = False
        self.trailing = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        position = 0
        while position < len(data):
            if self.ended:
                if self.trailing or _zstd_opens(data[position : position + 4]) is False:
                    self.trailing = True
                    return
                self._frame = self._frames.decompressobj()
            part = data[position : position + _ZSTD_SLICE]
            try:
                decoded = self._frame.decompress(part)
            except self._error as error:
                raise Corrupt from error
            self.ended = self._frame.eof
            position += len(part)
            if self.ended:
                position -= len(self._frame.unused_data)
            if decoded:
                yield decoded


# Each of these looks at the first bytes of a body and answers whether they can
# begin its coding: yes, no, or None for "more bytes, please".


def _gzip_opens(start: bytes) -> bool | None:
    if not start.startswith(_GZIP_MAGIC[: len(start)]):
        return False
    return True if len(start) >= len(_GZIP_MAGIC) else None


def _zstd_opens(start: bytes) -> bool | None:
    if start.startswith(_ZSTD_MAGIC[: len(start)]):
        return True if len(start) >= len(_ZSTD_MAGIC) else None
    if 0x50 <= start[0] <= 0x5F and start[1:4] == _ZSTD_SKIPPABLE[: len(start) - 1]:
        return True if len(start) >= len(_ZSTD_MAGIC) else None
    return False


def _no_text(start: bytes) -> bool | None:
    if not _is_text(start[:_TEXT_PROOF]):
        return True
    return False if len(start) >= _TEXT_PROOF else None


def _is_text(data: bytes) -> bool:
    if len(data.translate(None, _CONTROLS)) < len(data):
        return False
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.end == len(data) and error.reason == "unexpected end of data"
    return True


def _deflate_opens(start: bytes) -> bool | None:
    return _is_zlib(start) or _no_text(start)


def _is_zlib(start: bytes) -> bool:
    # RFC 1950 2.2: method 8, window at most 7, header a multiple of 31.
    if len(start) < 2 or start[0] & 0x0F != 8 or start[0] > 0x78:
        return False
    return (start[0] << 8 | start[1]) % 31 == 0


def _deflate(start: bytes) -> Codec:
    # RFC 9110 8.4.1.2: "deflate" means zlib, and some senders omit its wrapper.
    return _Inflate(zlib.MAX_WBITS if _is_zlib(start) else -zlib.MAX_WBITS)


class Coding(Fact):
    """How a coding is recognised by its first bytes, and undone.

    `has_magic`: what `opens` accepts is in the coding beyond doubt, so an
    error found later is damage and not a wrong header.
    """

    opens: Callable[[bytes], bool | None]
    codec: Callable[[bytes], Codec]
    has_magic: bool


_GZIP: Final = Coding(_gzip_opens, lambda _: _Inflate(_GZIP_BITS), has_magic=True)

#: Content codings by their names in the IANA HTTP Content Coding Registry.
CODINGS: Final = {
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": Coding(_deflate_opens, _deflate, has_magic=False),
    "br": Coding(_no_text, lambda _: _Brotli(), has_magic=False),
    "zstd": Coding(_zstd_opens, lambda _: _Zstd(), has_magic=True),
}
