"""What Python and the compiled core both touch of an engine: directions, keys, what is held.

The fields of a direction that the fast path needs live where C sees them (`NativeHalf`), and so
does a copy of the connection table's keys.  Segments for a reader that takes many at a time are
held as places in the batch, and become bytes when they are asked for, at the latest at its end.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import MutableSequence
from typing import Any, Final

from inspector.flows.early import EarlyData
from inspector.flows.stream import Half, PendingSegments
from inspector.native import layout
from inspector.native.layout import Core, CoreState, HeldSegment, KeySlot
from inspector.wire import Segments

#: Segments held as places in their batch; when there are more, all become bytes.
_SEGMENTS: Final = 4096
#: Of one direction so many are taken at once.
_TAKEN: Final = 512
#: And so many bytes: those of the longest one, and more.
_BYTES: Final = 72 << 10
#: Directions and keys for which there is room at first; it doubles.
_HALVES: Final = 64
_SLOTS: Final = 256


def _buffer(kind: Any, count: int) -> tuple[Any, memoryview]:
    """Zeros for C, and the same as 8-byte integers."""
    made = (kind * count)()
    return made, memoryview(made).cast("B").cast("q")


class Memory:
    """What C reads and writes for one engine; all of it is allocated here."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.state = CoreState()
        self.state.seed[:] = core.seed
        self.pointer = ctypes.pointer(self.state)
        #: The fields of all directions, one behind another.
        self.cells: memoryview
        self.halves: list[NativeHalf | None] = []
        self._free: list[int] = []
        self._cells: Any = None
        self._grow(_HALVES)
        self._segments = (HeldSegment * _SEGMENTS)()
        self.state.segments = ctypes.addressof(self._segments)
        self.state.segment_room = _SEGMENTS
        self._places, places = _buffer(ctypes.c_int64 * 4, _TAKEN)
        self._places_view = places.cast("B")
        self._bytes = (ctypes.c_char * _BYTES)()
        self._bytes_view = memoryview(self._bytes)
        self._slots = (KeySlot * _SLOTS)()
        self._slots_used = 0
        self.state.slots, self.state.slot_mask = ctypes.addressof(self._slots), _SLOTS - 1
        #: The batch that is being read.
        self.data = b""

    def _grow(self, count: int) -> None:
        made, cells = _buffer(ctypes.c_int64 * layout.HALF_FIELDS, count)
        before = len(self.halves)
        if before:
            cells[: before * layout.HALF_FIELDS] = self.cells
        self._cells, self.cells = made, cells
        self.state.halves, self.state.half_count = ctypes.addressof(made), count
        self._free += range(count - 1, before - 1, -1)
        self.halves += [None] * (count - before)

    def add(self, half: NativeHalf) -> int:
        """A place for a direction: its index."""
        if not self._free:
            self._grow(2 * len(self.halves))
        index = self._free.pop()
        self.halves[index] = half
        at = index * layout.HALF_FIELDS
        for cell in range(at, at + layout.HALF_FIELDS):
            self.cells[cell] = 0
        return index

    def remove(self, index: int) -> None:
        """The place is free for another direction."""
        self.halves[index] = None
        self._free.append(index)

    def put(self, key: bytes, value: int) -> None:
        """Tell what a key leads to."""
        if 2 * self._slots_used > self.state.slot_mask:
            wider = 2 * (self.state.slot_mask + 1)
            slots = (KeySlot * wider)()
            self._core.rehash(self.pointer, slots, wider - 1)
            self._slots = slots
            self.state.slots, self.state.slot_mask = ctypes.addressof(slots), wider - 1
        self._slots_used += self._core.put(self.pointer, key, value)

    def drop(self, key: bytes) -> None:
        """A key leads nowhere any more."""
        self._slots_used -= self._core.drop(self.pointer, key)

    def take(self, index: int, before: Segments | None = None) -> Segments:
        """What is held of a direction, as bytes, behind what is `before` it."""
        data, held = self.data, index * layout.HALF_FIELDS + layout.HELD
        segments = Segments(b"", array("q")) if before is None else before
        while self.cells[held]:
            known = len(segments.data)
            count = self._core.take(
                self.pointer, data, len(data), index,
                self._places, _TAKEN, self._bytes, _BYTES, known,
            )  # fmt: skip
            segments.places.frombytes(self._places_view[: count * 32])
            segments.data += self._bytes_view[: segments.places[-1] - known]
        return segments

    def settle(self) -> None:
        """Whatever is held becomes bytes: its batch goes away, or there is no more room."""
        while (index := self._core.held(self.pointer, 0)) >= 0:
            half = self.halves[index]
            assert half is not None
            half.pull()
        self.state.segment_count = 0


def _cell(field: int) -> Any:
    """A field of a direction that C sees as well."""

    def get(half: NativeHalf) -> int:
        value: int = half.home.cells[half.at + field]
        return value

    def put(half: NativeHalf, value: int) -> None:
        half.home.cells[half.at + field] = value

    return property(get, put)


class _Kept:
    """The fields of a direction that C has no place for any more."""

    def __init__(self, cells: memoryview) -> None:
        self.cells = array("q", cells)


class NativeHalf(Half):
    """A direction whose usual fields C sees."""

    __slots__ = ("_early", "_pending", "at", "home")

    def __init__(self, memory: Memory, like: Half) -> None:
        """Everything as it is in `like`, whose place it takes."""
        self.home: Memory | _Kept = memory
        self.at = memory.add(self) * layout.HALF_FIELDS
        for name in Half.__slots__:
            setattr(self, name, getattr(like, name))
        first = like.first_frame
        if first and like.recent is None:
            self.home.cells[self.at + layout.RECENT + (first >> 32 & layout.RECENT - 1)] = first

    next = _cell(layout.NEXT)
    acked = _cell(layout.ACKED)
    fin = _cell(layout.FIN)
    wraps = _cell(layout.WRAPS)
    skip = _cell(layout.SKIP)
    last_at = _cell(layout.LAST_AT)
    last_packet = _cell(layout.LAST_PACKET)
    batch = _cell(layout.BATCH)
    room = _cell(layout.ROOM)

    @property
    def index(self) -> int:
        """Its place in the memory."""
        return self.at // layout.HALF_FIELDS

    @property
    def recent(self) -> MutableSequence[int] | None:
        """The frames that came last; there is always room for them."""
        start = self.at + layout.RECENT
        frames: MutableSequence[int] = self.home.cells[start : start + layout.RECENT]  # type: ignore[assignment]
        return frames

    @recent.setter
    def recent(self, frames: MutableSequence[int] | None) -> None:
        for place, signature in enumerate(frames or ()):
            self.home.cells[self.at + layout.RECENT + place] = signature

    @property
    def early(self) -> EarlyData | None:
        return self._early

    @early.setter
    def early(self, early: EarlyData | None) -> None:
        self._early = early
        self.home.cells[self.at + layout.EARLY] = early is not None

    @property
    def pending(self) -> PendingSegments:
        if self.home.cells[self.at + layout.HELD]:
            self.pull()
        return self._pending

    @pending.setter
    def pending(self, segments: PendingSegments) -> None:
        self._pending = segments

    def pull(self) -> None:
        """What C holds becomes bytes."""
        assert isinstance(self.home, Memory)
        if not self._pending:
            self._pending = self.home.take(self.index)
        elif isinstance(self._pending, Segments):
            self.home.take(self.index, self._pending)
        else:  # the reassembler put some there
            self._pending = [*self._pending, *self.home.take(self.index)]

    def retire(self) -> None:
        memory = self.home
        if isinstance(memory, Memory):
            if memory.cells[self.at + layout.HELD]:
                self.pull()
            memory.remove(self.index)
            self.home = _Kept(memory.cells[self.at : self.at + layout.RECENT])
            self.at = 0
