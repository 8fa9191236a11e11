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

from inspector.flows.contract import IN_PLACE
from inspector.flows.early import EarlyData
from inspector.flows.stream import Half, PendingSegments
from inspector.native import layout
from inspector.native.functions import Core
from inspector.native.layout import CoreState, HeldSegment, KeySlot
from inspector.wire import Segments

#: Segments held as places in their batch; when there are more, all become bytes.
_SEGMENTS: Final = 4096
#: Bytes of one of them, as it is taken (`wire.Segments.places`).
_ROW: Final = 32
#: Directions of which segments are taken at once.
_GROUPS: Final = 512
#: Directions and keys for which there is room at first; it doubles.
_HALVES: Final = 64
_SLOTS: Final = 256


#: The fields of a direction that begins.
_ZEROS: Final = memoryview(bytes(8 * layout.HALF_FIELDS)).cast("q")


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
        #: The same as bytes: a field of `state` costs as much as several of these.
        self.state_view = memoryview(self.state).cast("B")
        #: The fields of all directions, one behind another.
        self.cells: memoryview
        self.halves: list[NativeHalf | None] = []
        self._free: list[int] = []
        self._cells: Any = None
        self._grow(_HALVES)
        self._segments = (HeldSegment * _SEGMENTS)()
        self.state.segments = ctypes.addressof(self._segments)
        self.state.segment_room = _SEGMENTS
        # What the core takes out of them: which directions, rows of segments, and their bytes.
        self._groups, self._groups_view = _buffer(ctypes.c_int64 * layout.GROUP_FIELDS, _GROUPS)
        self._rows, rows = _buffer(ctypes.c_int64 * (_ROW // 8), _SEGMENTS)
        self._rows_view = rows.cast("B")
        self._bytes: Any = None
        self._bytes_view = memoryview(b"")
        self._slots = (KeySlot * _SLOTS)()
        self._slots_used = 0
        self.state.slots, self.state.slot_mask = ctypes.addressof(self._slots), _SLOTS - 1
        #: The batch that is being read, and the directions of which something lies in it.
        self.data = b""
        self.in_place: dict[Half, None] = {}

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
        self.cells[at : at + layout.HALF_FIELDS] = _ZEROS
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

    def take(self, half: NativeHalf) -> None:
        """What is held of a direction becomes bytes."""
        data, held = self.data, half.at + layout.HELD
        while self.cells[held]:
            count = self._core.take(
                self.pointer, data, len(data), half.index, self._rows, _SEGMENTS,
                self._room_for(data), len(self._bytes_view),
            )  # fmt: skip
            rows = array("q")
            rows.frombytes(self._rows_view[: _ROW * count])
            if half.batch == IN_PLACE:
                self.in_place[half] = None
                half.hold(rows, data)
            else:
                half.hold(rows, bytes(self._bytes_view[: rows[-1] - rows[2]]))

    def settle(self) -> None:
        """Whatever is held becomes bytes: its batch goes away, or there is no more room.

        Of directions that are read in place it becomes a list of places, and lies where it lay.
        """
        data, state, halves, cells = self.data, self.state, self.halves, self.cells
        rows = self._rows_view
        while state.segment_count:
            room = self._room_for(data)
            count = self._core.settle(
                self.pointer, data, len(data), self._groups, _GROUPS,
                self._rows, _SEGMENTS, room, len(self._bytes_view),
            )  # fmt: skip
            row = byte = 0
            taken = self._bytes_view
            groups = self._groups_view[: layout.GROUP_FIELDS * count].tolist()
            for index, segments, size in zip(groups[::3], groups[1::3], groups[2::3], strict=True):
                half = halves[index]
                assert half is not None
                row_end, byte_end = row + _ROW * segments, byte + size
                places = array("q")
                places.frombytes(rows[row:row_end])
                if cells[half.at + layout.BATCH] == IN_PLACE:
                    self.in_place[half] = None
                    half.hold(places, data)
                else:
                    half.hold(places, bytes(taken[byte:byte_end]))
                row, byte = row_end, byte_end
            if count < _GROUPS:
                state.segment_count = 0

    def _room_for(self, data: bytes) -> Any:
        """Room for whatever bytes of a batch."""
        if len(self._bytes_view) < len(data):
            self._bytes = (ctypes.c_char * len(data))()
            self._bytes_view = memoryview(self._bytes).cast("B")
        return self._bytes


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
        del like.peer  # a cycle that nobody needs
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
    def waits(self) -> bool:
        """See `Half.waits`."""
        held = self.home.cells[self.at + layout.HELD]
        return bool(held or self._pending or self._early)

    @property
    def is_holding(self) -> bool:
        """See `Half.is_holding`."""
        return bool(self.home.cells[self.at + layout.HELD] or self._pending)

    @property
    def pending(self) -> PendingSegments:
        cells = self.home.cells
        if cells[self.at + layout.HELD]:
            self.pull()
        cells[self.at + layout.BEFORE] = 0  # whoever has it may put more behind it
        return self._pending

    @pending.setter
    def pending(self, segments: PendingSegments) -> None:
        self._pending = segments
        self.home.cells[self.at + layout.BEFORE] = 0

    def pull(self) -> None:
        """What C holds becomes bytes."""
        assert isinstance(self.home, Memory)
        self.home.take(self)

    def hold(self, places: array[int], data: bytes) -> None:
        """Put segments behind those that wait; `places` count from `layout.BEFORE` bytes before."""
        cells, before = self.home.cells, self.at + layout.BEFORE
        pending = self._pending
        if type(pending) is not Segments:
            if pending:  # the reassembler put some there
                self._pending = [*pending, *Segments(data, places)]
                return
            pending = self._pending = Segments(data, places)
        elif pending.data is data:  # the batch's own
            pending.places += places
            return
        elif cells[before]:
            pending.data += data
            pending.places += places
        else:
            pending.extend(Segments(data, places))
        if cells[self.at + layout.BATCH] != IN_PLACE:
            cells[before] = len(pending.data)

    def retire(self) -> None:
        super().retire()
        memory = self.home
        if isinstance(memory, Memory):
            if memory.cells[self.at + layout.HELD]:
                self.pull()
            memory.remove(self.index)
            self.home = _Kept(memory.cells[self.at : self.at + layout.RECENT])
            self.at = 0
