"""A coded body with other text in it: as many bytes, and each text still in its own packet.

What is hidden of a compressed body cannot be hidden in its coded bytes.  So its
text is masked, which makes it easier to compress, and coded anew in the place
of the old bytes.  Whatever room is left is filled with blocks that hold nothing
(RFC 1951 3.2.3), so that the length stays, and so does, piece by piece, what a
reader of the capture has decoded when.

gzip (RFC 1952), deflate in either form (RFC 1950, RFC 1951) and br (RFC 7932) are coded anew.
"""

from __future__ import annotations

import zlib
from itertools import chain
from struct import Struct
from typing import Final, Protocol

#: Bytes of text that wait for room at most.
_WAITING: Final = 1 << 16
#: Longer fillers are put together of several.
_LONGEST: Final = 20


def _bits(*blocks: tuple[int, int]) -> bytes:
    """Blocks of (value, number of bits), the least significant first; the last byte filled up."""
    value = at = 0
    for block, size in blocks:
        value |= block << at
        at += size
    return value.to_bytes((at + 7) // 8, "little")


#: BFINAL 0, BTYPE 01, the code of 256 (seven zeros); the same with BFINAL 1.
_EMPTY: Final = (0b010, 10)
_LAST: Final = (0b011, 10)
_LENGTH_0: Final = b"\0\0\xff\xff"


def _fillers() -> dict[int, bytes]:
    """Length -> bytes of empty blocks that end with a byte, of each length that there is."""
    singles = [_bits(*[_EMPTY] * count, (0, 3)) + _LENGTH_0 for count in range(8)]
    found: dict[int, bytes] = {0: b""}
    for size in range(_LONGEST):
        for one in singles:
            if (before := found.get(size - len(one))) is not None:
                found.setdefault(size, before + one)
    return found


def _endings(fillers: dict[int, bytes]) -> dict[int, bytes]:
    """Length -> bytes of empty blocks of which the last ends the stream."""
    found: dict[int, bytes] = {}
    for count in range(8):
        for last in (_bits(*[_EMPTY] * count, _LAST), _bits(*[_EMPTY] * count, (1, 3)) + _LENGTH_0):
            for size, blocks in fillers.items():
                found.setdefault(size + len(last), blocks + last)
    return found


_FILLERS: Final = _fillers()
_ENDINGS: Final = _endings(_FILLERS)
_SHORTEST_FILLER: Final = 5


def filler(size: int) -> bytes | None:
    """Empty blocks of `size` bytes together; None: there are none of 1 to 4 and of 8 bytes."""
    if size < 0:
        return None
    if size < _LONGEST:
        return _FILLERS.get(size)
    many, rest = divmod(size - 9, 5)  # 9 to 13 bytes can be filled
    return _FILLERS[5] * many + _FILLERS[9 + rest]


def ending(size: int) -> bytes | None:
    """Empty blocks of `size` bytes that end the stream; None: of fewer than two bytes."""
    if size < 2:
        return None
    if size < 20:
        return _ENDINGS.get(size)
    many, rest = divmod(size - 10, 5)
    return _FILLERS[5] * many + _ENDINGS[10 + rest]


def brotli_filler(size: int) -> bytes | None:
    """Empty blocks of metadata (RFC 7932 9.2), which may have any length."""
    return b"\x06" * size if size >= 0 else None


def brotli_ending(size: int) -> bytes | None:
    """The same, and the empty last block; None: of no byte."""
    return b"\x06" * (size - 1) + b"\x03" if size > 0 else None


class _Coder(Protocol):
    """What compresses a text behind those before it, up to a byte's end."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self, mode: int = ..., /) -> bytes: ...


class _Brotli:
    def __init__(self) -> None:
        import brotli

        self._coder = brotli.Compressor(quality=9)

    def compress(self, data: bytes, /) -> bytes:
        coded: bytes = self._coder.process(data)
        return coded

    def flush(self, mode: int = zlib.Z_SYNC_FLUSH, /) -> bytes:
        coded: bytes = self._coder.flush()
        return coded


class Recoder:
    """Codes the text of one body anew, in the room of the pieces that it came in.

    `form`: "gzip", "zlib", "deflate" or "br".  `add` gives each piece's size and its
    text as masked, `force` asks for all that is here, and `end` tells that the
    coding ended; each answers the bytes that are decided now.
    """

    def __init__(self, form: str) -> None:
        self._form = form
        # br's library cannot try and take back.
        self._deflater = None if form == "br" else zlib.compressobj(9, 8, -zlib.MAX_WBITS, 9)
        self._coder: _Coder = self._deflater or _Brotli()
        self._filler = brotli_filler if form == "br" else filler
        self._ending = brotli_ending if form == "br" else ending
        self._crc = zlib.crc32(b"")
        self._adler = zlib.adler32(b"")
        self._length = 0
        self._begun = False  # a text was coded
        self._last = 0  # the size of the last piece
        self._out = bytearray({"gzip": _GZIP_HEADER, "zlib": b"\x78\xda"}.get(form, b""))
        self._room = 0  # bytes of pieces, from where `_out` begins
        self._text = b""  # of the last piece, which is coded when it is known what follows ...
        self._before = self._after = 0  # ... and what `_room` was before it and behind it

    def add(self, size: int, text: bytes) -> bytes:
        """A piece of `size` coded bytes that gave `text`, masked; the bytes decided now."""
        if text:
            self._code()
            if not self._text:
                self._before = self._room
            self._text += text
            self._after = self._room + size
        self._room += size
        self._last = size
        return self._decided() if self._begun else b""  # a header may have to be longer

    def force(self) -> bytes:
        """All bytes of the pieces that came."""
        self._code(whatever=True)
        left = self._room - len(self._out)
        blocks = b"\x06" if self._form == "br" else _FILLERS[_SHORTEST_FILLER]
        self._out += blocks * -(-left // len(blocks))
        return self._decided()

    def hide(self) -> bytes:
        """All bytes of the pieces that came: behind the text what no decoder reads on."""
        self._code(whatever=True)
        # Where the last piece begins: what a decoder is given with an error gives it no text.
        gap = self._room - self._last - len(self._out)
        blocks = next(
            (b for size in range(gap, gap + 6) if (b := self._filler(size)) is not None), b""
        )
        self._out += blocks if gap > 0 else b""
        self._out += b"x" * (self._room - len(self._out))
        return self._decided()

    def end(self) -> bytes | None:
        """The rest; None if the coding's end finds no room: what is left has none."""
        is_first, text = not self._begun, self._text
        trailer = self._trailer()
        coder = None if self._deflater is None else self._deflater.copy()
        tail = self._coded() if self._text else b""
        last = self._ending(self._room - len(self._out) - len(tail) - len(trailer))
        if last is None and coder is None:
            self._out += tail
            self._text = b""
            return None
        if last is None and coder is not None:
            # Without the bytes by which a text ends with a byte.
            whole, tail = tail, coder.compress(self._text) + coder.flush(zlib.Z_FINISH)
            left = self._room - len(self._out) - len(tail) - len(trailer)
            last = b""
            if left > 0 and self._form == "gzip" and is_first:
                self._out[3] |= _NAMED
                self._out += b"x" * (left - 1) + b"\0"
            elif (blocks := filler(left)) is not None:
                self._out += blocks
            elif is_first and (other := _coded_to(text, len(tail) + left)) is not None:
                tail = other
            else:
                self._out += whole
                self._text = b""
                return None
        self._out += tail + (last or b"") + trailer
        self._text = b""
        return self._decided()

    def _code(self, *, whatever: bool = False) -> None:
        """Code the text that waits, if it has room; otherwise it waits for the room of more."""
        if not self._text:
            return
        if not whatever and len(self._text) <= _WAITING and self._deflater is not None:
            coder = self._deflater.copy()
            coded = coder.compress(self._text) + coder.flush(zlib.Z_SYNC_FLUSH)
            if len(self._out) + len(coded) > self._after:
                return
        self._out += self._coded()
        self._text = b""

    def _coded(self) -> bytes:
        """The waiting text coded, behind what fills the room that was left before it."""
        text = self._text
        self._crc = zlib.crc32(text, self._crc)
        self._adler = zlib.adler32(text, self._adler)
        self._length += len(text)
        self._begun = True
        coded = self._coder.compress(text) + self._coder.flush(zlib.Z_SYNC_FLUSH)
        gap = self._before - len(self._out)
        return self._between(gap, len(coded), self._after - len(self._out)) + coded

    def _between(self, gap: int, needed: int, room: int) -> bytes:
        """What fills the gap that earlier pieces left, before `needed` bytes; all have `room`."""
        if gap <= 0:
            return b""
        most = min(gap + _SHORTEST_FILLER - 1, room - needed)
        for size in chain(range(gap, most + 1), range(min(gap - 1, most), 0, -1)):
            if (blocks := self._filler(size)) is not None:
                return blocks
        return b""

    def _trailer(self) -> bytes:
        """Of the text that was coded and that which waits."""
        if self._form == "gzip":
            length = self._length + len(self._text) & 0xFFFFFFFF
            return _TWO.pack(zlib.crc32(self._text, self._crc), length)
        if self._form == "zlib":
            return zlib.adler32(self._text, self._adler).to_bytes(4, "big")
        return b""

    def _decided(self) -> bytes:
        done = bytes(self._out[: self._room])
        del self._out[: len(done)]
        self._room -= len(done)
        self._before -= len(done)
        self._after -= len(done)
        return done


def _coded_to(text: bytes, size: int) -> bytes | None:
    """A whole text coded worse than at best, in just `size` bytes with what fills them."""
    for level, strategy in _WORSE:
        coder = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, 8, strategy)
        coded = coder.compress(text) + coder.flush()
        if (blocks := filler(size - len(coded))) is not None:
            return blocks + coded
    return None


#: Ways of coding a text that differ in length by a few bytes.
_WORSE: Final = (
    *((level, zlib.Z_DEFAULT_STRATEGY) for level in range(9, -1, -1)),
    (9, zlib.Z_FIXED), (9, zlib.Z_RLE), (9, zlib.Z_FILTERED), (9, zlib.Z_HUFFMAN_ONLY),
)  # fmt: skip
#: No name, no time, no comment (RFC 1952 2.3); the system is unknown.
_GZIP_HEADER: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
#: FLG's bit of a name behind the header, which ends with a zero.
_NAMED: Final = 8
_TWO: Final = Struct("<II")
