"""A 64-bit ELF file as the dynamic linker sees it: segments, symbols, where functions begin.

Sections are not looked at: a stripped file has none, and the linker needs none.  Symbols are found
through their hash table, so that of a program of 100 MB some kilobytes are read.

Source: System V ABI (gABI) chapters 4 and 5; the LSB on DT_GNU_HASH and .eh_frame_hdr;
the Linux kernel's uprobes, which take a place in the *file*.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from struct import Struct, error, unpack
from typing import Final, TypeAlias

from inspector.fact import Fact

#: Reads that many bytes of the file from an offset on; fewer at its end.
ReadAt: TypeAlias = Callable[[int, int], bytes]

#: e_machine.
X86_64: Final = 62

_MAGIC: Final = b"\x7fELF"
_HEADER: Final = Struct("<4xBBB9xHHIQQQIHHH6x")
_SEGMENT: Final = Struct("<IIQQQQQQ")
_DYNAMIC: Final = Struct("<QQ")
_SYMBOL: Final = Struct("<IBBHQQ")
_GNU_HASH: Final = Struct("<IIII")
_NOTE: Final = Struct("<III")
_FRAMES: Final = Struct("<4Bii")
_FRAME: Final = Struct("<ii")

_LOAD, _DYNAMIC_SEGMENT, _NOTE_SEGMENT, _FRAME_SEGMENT = 1, 2, 4, 0x6474E550
_EXECUTABLE: Final = 1
_DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_GNU_HASH = 4, 5, 6, 0x6FFFFEF5
_STT_FUNC: Final = 2
_BUILD_ID: Final = 3
#: Forms of numbers in .eh_frame_hdr: version; a word from here; a number; words from the table.
_FRAME_FORMS: Final = (1, 0x1B, 0x03, 0x3B)

#: Segments of a program; Node.js has 14.
SEGMENTS_LIMIT: Final = 128
#: Entries of its dynamic section; Node.js has 25.
ENTRIES_LIMIT: Final = 512
#: Symbols whose names have one hash.
BUCKET_LIMIT: Final = 4096
#: Functions in its table for unwinding; Node.js has 76,000.
FUNCTIONS_LIMIT: Final = 1 << 20
#: Bytes of code that are searched; libssl 3 has 380 KB.
CODE_LIMIT: Final = 64 << 20
_NOTE_LIMIT: Final = 4096


class UnreadableProgram(Exception):
    """The file is not what is read here; the text says what it is, or what it lacks."""


class ProgramHeader(Fact):
    """A part of the file, and where it is in memory."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int


class Symbol(Fact):
    """An exported function: its address in memory and its size, 0 for not told."""

    address: int
    size: int


class ElfImage:
    """One file, read piece by piece.  Raises `UnreadableProgram`, from any method too."""

    def __init__(self, read: ReadAt) -> None:
        self._read = read
        if read(0, len(_MAGIC)) != _MAGIC:
            raise UnreadableProgram("it is no ELF file")
        width, order, _, kind, machine, _, _, at, _, _, _, size, count = self._unpack(_HEADER, 0)
        if (width, order) != (2, 1) or kind not in (2, 3):
            raise UnreadableProgram("it is no 64-bit little-endian program or library")
        if size != _SEGMENT.size or not 0 < count <= SEGMENTS_LIMIT:
            raise UnreadableProgram("its program headers are of another form")
        self.machine = machine
        self.segments: tuple[ProgramHeader, ...] = tuple(self._segments(at, count))
        self._dynamic: dict[int, int] = dict(self._entries())
        self._starts: list[int] | None = None

    def symbol(self, name: bytes) -> Symbol | None:
        """The function that is exported under a name."""
        symbols, names = self._dynamic.get(_DT_SYMTAB), self._dynamic.get(_DT_STRTAB)
        if symbols is None or names is None:
            return None
        for index in self._candidates(name):
            place, about, _, section, address, size = self._unpack(
                _SYMBOL, self.offset(symbols + index * _SYMBOL.size)
            )
            is_function = about & 15 == _STT_FUNC and section
            if is_function and self.read(names + place, len(name) + 1) == name + b"\0":
                return Symbol(address, size)
        return None

    def read(self, address: int, size: int) -> bytes:
        """Bytes by their address in memory; fewer where the file or the segment ends."""
        segment = self._segment(address)
        into = address - segment.address
        return self._read(segment.offset + into, min(size, segment.size - into))

    def offset(self, address: int) -> int:
        """Where in the file the byte is that is loaded to an address."""
        segment = self._segment(address)
        return segment.offset + address - segment.address

    def code(self) -> Iterator[tuple[int, bytes]]:
        """What can be executed, segment by segment: its address, its bytes."""
        left = CODE_LIMIT
        for segment in self.segments:
            if segment.kind == _LOAD and segment.flags & _EXECUTABLE:
                yield segment.address, self._read(segment.offset, min(segment.size, left))
                left -= min(segment.size, left)

    def function_of(self, address: int) -> int | None:
        """The address at which the function begins that an instruction belongs to.

        By the table for unwinding (.eh_frame_hdr), which stripped files have, too.
        """
        if self._starts is None:
            self._starts = self._functions()
        starts = self._starts
        place = bisect_right(starts, address)
        return starts[place - 1] if place else None

    @property
    def build_id(self) -> str:
        """What the linker calls this very build, in hexadecimal; empty where it says nothing."""
        for segment in self.segments:
            if segment.kind != _NOTE_SEGMENT:
                continue
            notes, at = self._read(segment.offset, min(segment.size, _NOTE_LIMIT)), 0
            while at + _NOTE.size <= len(notes):
                name, size, kind = _NOTE.unpack_from(notes, at)
                body = at + _NOTE.size + (name + 3 & ~3)
                if kind == _BUILD_ID and notes[at + _NOTE.size :][:4] == b"GNU\0":
                    return notes[body : body + min(size, 64)].hex()
                at = body + (size + 3 & ~3)
        return ""

    # -- tables ------------------------------------------------------------------

    def _unpack(self, form: Struct, offset: int) -> tuple[int, ...]:
        try:
            return form.unpack(self._read(offset, form.size))
        except (error, OverflowError):
            raise UnreadableProgram("it ends early, or lies about where its tables are") from None

    def _segments(self, at: int, count: int) -> Iterator[ProgramHeader]:
        for index in range(count):
            kind, flags, offset, address, _, size, _, _ = self._unpack(
                _SEGMENT, at + index * _SEGMENT.size
            )
            yield ProgramHeader(kind, flags, offset, address, size)

    def _segment(self, address: int) -> ProgramHeader:
        for segment in self.segments:
            if segment.kind == _LOAD and 0 <= address - segment.address < segment.size:
                return segment
        raise UnreadableProgram("an address in it is nowhere in the file")

    def _entries(self) -> Iterator[tuple[int, int]]:
        for segment in self.segments:
            if segment.kind == _DYNAMIC_SEGMENT:
                for index in range(min(segment.size // _DYNAMIC.size, ENTRIES_LIMIT)):
                    tag, value = self._unpack(_DYNAMIC, segment.offset + index * _DYNAMIC.size)
                    if not tag:
                        return
                    yield tag, value

    def _candidates(self, name: bytes) -> Iterator[int]:
        """The numbers of the symbols that may have a name."""
        if (table := self._dynamic.get(_DT_GNU_HASH)) is not None:
            yield from self._by_gnu_hash(table, name)
        elif (table := self._dynamic.get(_DT_HASH)) is not None:
            yield from self._by_hash(table, name)

    def _by_gnu_hash(self, table: int, name: bytes) -> Iterator[int]:
        buckets, first, bloom, _ = self._words(table, 4)
        if not buckets:
            return
        wanted = gnu_hash(name)
        start = table + _GNU_HASH.size + bloom * 8
        chains = start + buckets * 4
        (begin,) = self._words(start + wanted % buckets * 4, 1)
        if begin < first:
            return
        for index in range(begin, begin + BUCKET_LIMIT):
            (found,) = self._words(chains + (index - first) * 4, 1)
            if found | 1 == wanted | 1:
                yield index
            if found & 1:
                return

    def _by_hash(self, table: int, name: bytes) -> Iterator[int]:
        buckets, count = self._words(table, 2)
        if not buckets:
            return
        (index,) = self._words(table + 8 + sysv_hash(name) % buckets * 4, 1)
        for _ in range(BUCKET_LIMIT):
            if not 0 < index < count:
                return
            yield index
            (index,) = self._words(table + 8 + (buckets + index) * 4, 1)

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        try:
            return unpack(f"<{count}I", self.read(address, count * 4))
        except error:
            raise UnreadableProgram("its table of symbols ends early") from None

    def _functions(self) -> list[int]:
        for segment in self.segments:
            if segment.kind != _FRAME_SEGMENT:
                continue
            *forms, _, count = self._unpack(_FRAMES, segment.offset)
            if tuple(forms) != _FRAME_FORMS or not 0 <= count <= FUNCTIONS_LIMIT:
                raise UnreadableProgram("its table of functions is of another form")
            data = self._read(segment.offset + _FRAMES.size, count * _FRAME.size)
            if len(data) != count * _FRAME.size:
                raise UnreadableProgram("its table of functions ends early")
            starts = [segment.address + start for start, _ in _FRAME.iter_unpack(data)]
            if starts != sorted(starts):
                raise UnreadableProgram("its table of functions is not sorted")
            return starts
        raise UnreadableProgram("it has no table of functions")


def gnu_hash(name: bytes) -> int:
    """The hash of DT_GNU_HASH."""
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def sysv_hash(name: bytes) -> int:
    """The hash of DT_HASH (gABI 5, "Hash Table")."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value
