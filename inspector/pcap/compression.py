"""gzip and zstd, decompressed as streams and kept up to the fault.

Each decoder is a generator: it pulls compressed bytes with `pull(n)` (empty
at the end) and yields plain bytes in pieces of bounded size, so a bomb costs
time and no memory.  Where the data is cut or corrupt it calls
`fault(name, detail)` once and ends; everything before that was yielded.

Sources: RFC 1952 (gzip members), RFC 8878 (zstd frames and blocks).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

Pull: TypeAlias = Callable[[int], bytes]
FaultNote: TypeAlias = Callable[[str, str], None]
Decompressor: TypeAlias = Callable[[Pull, FaultNote], Iterator[bytes]]

_INPUT: Final = 64 * 1024
_OUTPUT: Final = 1024 * 1024
#: The largest zstd window that is allocated for a file: zstd's own default limit.
_MAX_WINDOW: Final = 128 * 1024 * 1024
_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)
_ZSTD: Final = 0xFD2FB528

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = _ZSTD.to_bytes(4, "little")


def gunzip(pull: Pull, fault: FaultNote) -> Iterator[bytes]:
    """All members of a gzip file, one after the other."""
    data = pull(_INPUT)
    while True:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            if not data:
                data = pull(_INPUT)
                if not data:
                    fault("compression-cut", "the gzip data ends in the middle of a member")
                    return
            # zlib discards what it decoded in the call that fails; the copy
            # (40 KB for up to 1 MiB of output) lets that be decoded again.
            before = member.copy()
            try:
                plain = member.decompress(data, _OUTPUT)
            except zlib.error:
                yield from _to_the_last_byte(before, data)
                fault("compression-corrupt", "gzip data")
                return
            data = member.unconsumed_tail
            if plain:
                yield plain
        data = (member.unused_data or pull(_INPUT)).lstrip(b"\0")  # padding of tapes and tar
        while data == GZIP_MAGIC[:1] or not data:
            more = pull(_INPUT)
            if not more:
                break
            data = (data + more).lstrip(b"\0")
        if not data:
            return
        if not data.startswith(GZIP_MAGIC):
            fault("compression-trailing-bytes", f"{len(data)} bytes or more after gzip data")
            return


def _to_the_last_byte(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What can be decoded of `data`, which is known to hold an error."""
    for at in range(len(data)):
        try:
            plain = member.decompress(data[at : at + 1])
        except zlib.error:
            return
        if plain:
            yield plain


def unzstd(pull: Pull, fault: FaultNote) -> Iterator[bytes]:
    """All frames of a zstd file; skippable frames are skipped.

    The decoder gets one block at a time: a block holds at most 128 KiB, so
    output is bounded, and a fault loses nothing but its own block.
    """
    import zstandard

    reader = _Exactly(pull)
    try:
        while True:
            magic = reader.take_or_end(4)
            if not magic:
                return
            number = int.from_bytes(magic, "little")
            if number in _SKIPPABLE:
                reader.skip(int.from_bytes(reader.take(4), "little"))
                continue
            if number != _ZSTD:
                fault("compression-trailing-bytes", "4 bytes or more after zstd data")
                return
            frame = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
            for block in _blocks(reader, magic):
                plain = frame.decompress(block)
                if plain:
                    yield plain
    except _Cut:
        fault("compression-cut", "the zstd data ends in the middle of a frame")
    except zstandard.ZstdError:
        fault("compression-corrupt", "zstd data")


def _blocks(reader: _Exactly, magic: bytes) -> Iterator[bytes]:
    """One zstd frame in pieces: its header, each of its blocks, its checksum (RFC 8878, 3.1.1)."""
    descriptor = reader.take(1)
    flags = descriptor[0]
    single_segment = flags & 0x20
    content_size = (1 if single_segment else 0, 2, 4, 8)[flags >> 6]
    dictionary_id = (0, 1, 2, 4)[flags & 3]
    window = 0 if single_segment else 1
    yield magic + descriptor + reader.take(window + dictionary_id + content_size)
    last = 0
    while not last:
        header = reader.take(3)
        number = int.from_bytes(header, "little")
        last, kind, size = number & 1, number >> 1 & 3, number >> 3
        # Type 1 repeats one byte `size` times.
        yield header + reader.take(1 if kind == 1 else size)
    if flags & 0x04:
        yield reader.take(4)


class _Cut(Exception):
    """The compressed data ended where more was promised."""


class _Exactly:
    """Reads exact amounts from a `Pull`."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._data = b""
        self._at = 0

    def take_or_end(self, n: int) -> bytes:
        """`n` bytes, or none at a clean end."""
        if self._at == len(self._data):
            self._data, self._at = self._pull(_INPUT), 0
            if not self._data:
                return b""
        return self.take(n)

    def take(self, n: int) -> bytes:
        """`n` bytes; `_Cut` if the data ends before."""
        end = self._at + n
        if end > len(self._data):
            parts = [self._data[self._at :]]
            missing = n - len(parts[0])
            while missing > 0:
                part = self._pull(_INPUT)
                if not part:
                    raise _Cut
                parts.append(part)
                missing -= len(part)
            self._data, self._at, end = b"".join(parts), 0, n
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def skip(self, n: int) -> None:
        """Drop `n` bytes without holding them."""
        while n > 0:
            step = min(n, _INPUT)
            self.take(step)
            n -= step


DECODERS: Final[Mapping[str, Decompressor]] = {"gzip": gunzip, "zstd": unzstd}
"""Name of a compression -> its decoder."""
