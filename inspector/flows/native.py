"""The engine whose usual packets are read in C: `inspector/native/core.c` and its memory.

What both touch lives where C sees it: the fields of a `NativeHalf` that the fast path needs, and a
copy of the connection table's keys.  The loop below gives C a batch's records, takes the packet in
front of which C stopped as the pure engine does, and goes on behind it.  So everything rare is
decided in one place, deliveries are the same in the same order, and a packet costs Python something
only when somebody is told of it.

Segments for a reader that takes many at a time are held as places in the batch, and become bytes
when they are asked for, at the latest at the batch's end.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterator, MutableSequence
from functools import partial
from typing import Any, Final, Literal

from inspector.flows.contract import Delivery
from inspector.flows.decode import FAST_LINKS
from inspector.flows.early import EarlyData
from inspector.flows.engine import PacketEngine
from inspector.flows.stream import UNKNOWN, Half, PendingSegments
from inspector.flows.table import ConnectionTable
from inspector.native import layout
from inspector.native.layout import Core, CoreState, HeldSegment, KeySlot
from inspector.wire import Batch, PackedRecords, Segment, Segments

#: Segments held as places in their batch; when there are more, all become bytes.
_SEGMENTS: Final = 4096
#: Of one direction so many are taken at once.
_TAKEN: Final = 512
#: Directions and keys for which there is room at first; it doubles.
_HALVES: Final = 64
_SLOTS: Final = 256
#: And so many bytes: those of the longest one, and more.
_BYTES: Final = 72 << 10
#: Where in an IPv4 header the addresses begin, and behind them the ports.
_KEY_AT: Final = 12
_REASON: Final = (1 << layout.REASON_BITS) - 1


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


class _Keys(dict[bytes, "Half | Literal[False]"]):
    """The connection table's keys; C has a copy of those of IPv4 without a context."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory
        self.past = _Past(self)

    def __setitem__(self, key: bytes, half: Half | Literal[False]) -> None:
        super().__setitem__(key, half)
        self.tell(key)

    def __delitem__(self, key: bytes) -> None:
        super().__delitem__(key)
        if len(key) == layout.KEY:
            self._memory.drop(key)

    def tell(self, key: bytes) -> None:
        """C shall know what a key leads to now."""
        half = self.get(key)
        if half is None or len(key) != layout.KEY:
            return
        if isinstance(half, NativeHalf):
            self._memory.put(key, half.index + 1)
        elif half:
            self._memory.drop(key)  # it has no memory yet: C stops in front of its packets
        elif key in self.past:
            self._memory.put(key, layout.UNINTERESTING_BUT_DATA)
        else:
            self._memory.put(key, layout.UNINTERESTING)


class _Past(dict[bytes, tuple[int, int]]):
    """Keys whose data is not passed over, though they are of no interest."""

    def __init__(self, keys: _Keys) -> None:
        super().__init__()
        self._keys = keys

    def __setitem__(self, key: bytes, end: tuple[int, int]) -> None:
        super().__setitem__(key, end)
        self._keys.tell(key)

    def pop(self, key: bytes, default: Any = None) -> Any:
        found = super().pop(key, default)
        self._keys.tell(key)
        return found

    def clear(self) -> None:
        keys = list(self)
        super().clear()
        for key in keys:
            self._keys.tell(key)


class NativeEngine(PacketEngine):
    """The engine with its fast path in C; `PacketEngine` says what it does."""

    def __init__(self, core: Core) -> None:
        self._core = core
        memory = self._memory = Memory(core)
        keys = _Keys(memory)
        super().__init__(partial(ConnectionTable, keys=keys, past=keys.past))

    def feed(self, batch: Batch) -> Iterator[Delivery]:
        """Take the packets of one batch."""
        before_ip = FAST_LINKS.get(batch.link_type)
        if before_ip is None or type(batch.data) is not bytes:
            yield from super().feed(batch)
            return
        records = (
            batch.records
            if isinstance(batch.records, PackedRecords)
            else PackedRecords(batch.records)
        )
        self.notes.packets += len(records)
        self._reassembler.counted_cuts = batch.counted_cuts
        memory, join, data, first = self._memory, self._core.join, batch.data, batch.first_packet
        deliver, shown = self._reassembler.deliver, self._reassembler.shown
        state, pointer, halves = memory.state, memory.pointer, memory.halves
        memory.data, state.before_ip, state.first_packet = data, before_ip, first
        places, count, size = records.packed.buffer_info()[0], len(records), len(data)
        at = 0
        try:
            while True:
                answer = join(pointer, data, size, places, count, at)
                at = (answer >> layout.REASON_BITS) + 1
                reason = answer & _REASON
                if reason == layout.SHOW:
                    half = halves[state.half]
                    assert half is not None
                    packet = first + at - 1
                    start, stop = state.start, state.stop
                    segment = state.at, packet, data[start:stop]
                    if state.unseen:
                        yield from self._after_unseen(half, state.unseen, segment)
                    else:
                        peer = half.peer
                        if peer.pending or peer.early or half.skip_asked:
                            yield from deliver(half, [segment])
                        else:
                            yield shown(half, [segment])
                elif reason == layout.FLUSH:
                    half = halves[state.half]
                    assert half is not None
                    yield from self._reassembler.flush(half)
                elif reason == layout.RARE:
                    yield from self._walk(batch, records[at - 1 : at], first + at - 1)
                    start = records[at - 1][1] + before_ip + _KEY_AT
                    self._admit(data[start : start + layout.KEY])
                elif reason == layout.FULL:
                    memory.settle()
                    at -= 1
                else:
                    break
            if count:
                self._at, self._packet = records[-1][0], first + count - 1
        finally:
            memory.settle()
            memory.data = b""
            self.notes.tcp_packets += state.tcp_packets
            self.notes.duplicate_packets += state.duplicate_packets
            state.tcp_packets = state.duplicate_packets = 0

    def _admit(self, key: bytes) -> None:
        """Give a connection memory that C sees, once both ends spoke: a scan's SYNs need none.

        Only between two packets, and while nobody but the table and the connection holds its
        directions.
        """
        half = self._table.keys.get(key)
        if not half or isinstance(half, NativeHalf):
            return
        connection = half.connection
        is_spoken = connection.carried or UNKNOWN not in (half.next, half.peer.next)
        if (
            not is_spoken
            or connection.finished
            or connection.aliases
            or len(connection.key) != layout.KEY
            or connection.challenger is not None
            or connection.held_reset is not None
            or connection.closing is not None
        ):
            return
        up = connection.up = NativeHalf(self._memory, connection.up)
        down = connection.down = NativeHalf(self._memory, connection.down)
        up.peer, down.peer = down, up
        self._table.keys[connection.key] = up
        self._table.keys[connection.reverse] = down

    def _after_unseen(self, half: NativeHalf, unseen: int, segment: Segment) -> Iterator[Delivery]:
        """Bytes that are shown, after some that were not: as in the pure loop."""
        yield from self._reassembler.settle(half)
        size = len(segment[2])
        if not size:
            return
        if half.batch:
            half.pending.append(segment)
            half.room -= unseen + size
            if half.room < 0:
                yield from self._reassembler.flush(half)
        else:
            yield from self._reassembler.deliver(half, [segment])
