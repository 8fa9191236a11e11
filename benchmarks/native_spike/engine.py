"""The spike's engine: C for what is common, Python for the rare door.

`NativeEngine.feed` takes bytes of a classic capture and answers `Delivery`s: runs of
consecutive bytes of one direction, each with the table of the segments it came from.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

SOURCE: Final = Path(__file__).with_name("runs.c")
FLAGS: Final = ("-O2", "-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")

#: Places of the table of directions; a power of two, never more than half full.
PLACES: Final = 1 << 17
#: Records, segments and runs of one call.
ROOM: Final = 1 << 16
BYTES: Final = 1 << 21

_FIN, _SYN, _RST = 1, 2, 4
#: Bits of `Half.closed`.
_ENDED, _WAITING = 1, 2
_TCP: Final = Struct(">12s I I B B")


class Half(ctypes.Structure):
    """`struct half` of runs.c."""

    _fields_ = (
        ("skip", ctypes.c_uint64),
        ("key", ctypes.c_uint8 * 12),
        ("stream", ctypes.c_uint32),
        ("up", ctypes.c_uint32),
        ("next", ctypes.c_uint32),
        ("acked", ctypes.c_uint32),
        ("closed", ctypes.c_uint32),
        ("twin", ctypes.c_uint32),
        ("open", ctypes.c_uint32),
        ("call", ctypes.c_uint32),
    )


class _Run(ctypes.Structure):
    _fields_ = (
        ("skipped", ctypes.c_uint64),
        ("stream", ctypes.c_uint32),
        ("up", ctypes.c_uint32),
        ("start", ctypes.c_uint32),
        ("stop", ctypes.c_uint32),
        ("first", ctypes.c_uint32),
        ("last", ctypes.c_uint32),
    )


#: A run and a segment as Python reads them: one `iter_unpack` instead of an object each.
_RUN: Final = Struct("=Q6I")
_SEGMENT: Final = Struct("=2I")


class _Record(ctypes.Structure):
    _fields_ = (
        ("at", ctypes.c_uint64),
        ("offset", ctypes.c_uint32),
        ("captured", ctypes.c_uint32),
        ("wire", ctypes.c_uint32),
        ("unused", ctypes.c_uint32),
    )


class _Segment(ctypes.Structure):
    _fields_ = (("start", ctypes.c_uint32), ("record", ctypes.c_uint32))


class _Piece(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("offset", "length", "run", "record"))


class Delivery(NamedTuple):
    """`data`: the next bytes of direction `up` of connection `stream`, `skipped` before them.

    `segments` holds, packed, where in `data`'s buffer each segment begins and which record
    of the batch it was: who asks for a time unpacks it, nobody else pays for it.
    """

    stream: int
    up: bool
    skipped: int
    data: bytes
    segments: bytes


def build(directory: Path) -> Path:
    """Compile the C source into `directory`."""
    library = directory / "runs.so"
    subprocess.run(["cc", *FLAGS, "-o", str(library), str(SOURCE)], check=True)
    return library


class NativeEngine:
    """Walks and joins; one instance a capture."""

    def __init__(self, library: Path) -> None:
        native = ctypes.CDLL(str(library))
        self._walk, self._join, self._place = native.walk, native.join, native.place
        for function in (self._walk, self._join, self._place):
            function.restype = ctypes.c_size_t
        self._halves = (Half * PLACES)()
        self._records = (_Record * ROOM)()
        self._segments = (_Segment * ROOM)()
        self._pieces = (_Piece * ROOM)()
        self._runs = (_Run * ROOM)()
        self._bytes = ctypes.create_string_buffer(BYTES)
        self._early: dict[int, dict[int, bytes]] = {}
        self._streams = 0
        self._calls = 0
        self.packets = 0
        self.rare = 0

    def feed(self, data: bytes) -> tuple[list[Delivery], int]:
        """What the whole records in `data` deliver, and how many bytes they took."""
        used = ctypes.c_size_t()
        count = self._walk(
            data, ctypes.c_size_t(len(data)), self._records, ctypes.c_size_t(ROOM),
            ctypes.byref(used),
        )  # fmt: skip
        self.packets += count
        out: list[Delivery] = []
        filled = ctypes.c_size_t()
        at = 0
        while at < count:
            self._calls += 1
            stopped = self._join(
                data, self._records, ctypes.c_size_t(count), ctypes.c_size_t(at),
                self._halves, ctypes.c_size_t(PLACES - 1), self._bytes, ctypes.c_size_t(BYTES),
                self._segments, self._pieces, ctypes.c_size_t(ROOM), self._runs,
                ctypes.c_size_t(ROOM), ctypes.byref(filled), ctypes.c_uint32(self._calls),
            )  # fmt: skip
            out += self._deliveries(filled.value)
            at = stopped
            if at < count:
                self.rare += 1
                out += self._rarely(data, self._records[at].offset)
                at += 1
        return out, used.value

    def _deliveries(self, runs: int) -> Iterator[Delivery]:
        if not runs:
            return
        table = ctypes.string_at(self._runs, runs * _RUN.size)
        rows = list(_RUN.iter_unpack(table))
        segments = ctypes.string_at(self._segments, rows[-1][6] * _SEGMENT.size)
        joined = ctypes.string_at(self._bytes, rows[-1][4])
        for skipped, stream, up, start, stop, first, last in rows:
            yield Delivery(
                stream, bool(up), skipped, joined[start:stop], segments[8 * first : 8 * last]
            )

    # -- the rare door: enough of it for the workload -----------------------

    def _rarely(self, data: bytes, frame: int) -> Iterator[Delivery]:
        if data[frame + 12 : frame + 14] != b"\x08\x00" or data[frame + 23] != 6:
            return
        total = int.from_bytes(data[frame + 16 : frame + 18], "big")
        key, sequence, _, offset, flags = _TCP.unpack_from(data, frame + 26)
        header = (offset >> 2) & 0x3C
        payload = data[frame + 34 + header : frame + 14 + total]
        place = self._place(self._halves, ctypes.c_size_t(PLACES - 1), key)
        half = self._halves[place]
        if not half.stream:
            if not flags & _SYN:
                return
            half = self._open(key, up=not flags & 0x10)
        if flags & _SYN:
            half.next = (sequence + 1) & 0xFFFFFFFF
            return
        if flags & (_FIN | _RST):
            half.closed |= _ENDED
        if payload and not (sequence - half.next) & 0x80000000:
            yield from self._arrived(half, sequence, payload)

    def _open(self, key: bytes, *, up: bool) -> Half:
        self._streams += 1
        reverse = key[4:8] + key[:4] + key[10:12] + key[8:10]
        mask = ctypes.c_size_t(PLACES - 1)
        places = []
        for name, is_up in ((key, up), (reverse, not up)):
            place = self._place(self._halves, mask, name)
            half = self._halves[place]
            half.key[:] = name
            half.stream, half.up = self._streams, is_up
            places.append(place)
        self._halves[places[0]].twin, self._halves[places[1]].twin = places[1], places[0]
        opened: Half = self._halves[places[0]]
        return opened

    def _arrived(self, half: Half, sequence: int, payload: bytes) -> Iterator[Delivery]:
        early = self._early.setdefault(2 * half.stream + half.up, {})
        early.setdefault(sequence, payload)
        while (piece := early.pop(half.next, None)) is not None:
            half.next = (half.next + len(piece)) & 0xFFFFFFFF
            yield Delivery(half.stream, bool(half.up), 0, piece, b"")
        half.closed = half.closed & _ENDED | (_WAITING if early else 0)
