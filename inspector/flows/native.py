"""The engine whose usual packets are read in C: `inspector/native/core.c`, and `memory`.

The loop below gives C a batch's records, takes the packet in front of which C stopped as the pure
engine does, and goes on behind it.  So everything rare is decided in one place, deliveries are the
same in the same order, and a packet costs Python something only when somebody is told of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import c_char_p, c_int64, c_void_p
from functools import partial
from struct import Struct
from typing import Any, Final, Literal

from inspector.flows.contract import IN_PLACE, Delivery
from inspector.flows.decode import FAST_LINKS
from inspector.flows.engine import PacketEngine
from inspector.flows.memory import Memory, NativeHalf
from inspector.flows.stream import UNKNOWN, Half
from inspector.flows.table import ConnectionTable
from inspector.native import layout
from inspector.native.functions import Core
from inspector.wire import Batch, Record, packed_records

#: Where in an IPv4 header the addresses begin, and behind them the ports.
_KEY_AT: Final = 12
#: What C says of bytes that are to be shown (`core.h`): fields that stand one behind another.
_SHOWN: Final = Struct("5q")
_SHOWN_AT: Final = layout.CoreState.half.offset
_REASON: Final = (1 << layout.REASON_BITS) - 1


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
        memory.in_place = self._showing.in_place

    def feed(self, batch: Batch) -> Iterator[Delivery]:
        """Take the packets of one batch."""
        before_ip = FAST_LINKS.get(batch.link_type)
        if before_ip is None or type(batch.data) is not bytes:
            yield from super().feed(batch)
            return
        records = packed_records(batch.records)
        self.notes.packets += len(records)
        self._reassembler.counted_cuts = batch.counted_cuts
        memory, join, data, first = self._memory, self._core.join, batch.data, batch.first_packet
        deliver, one = self._reassembler.deliver, self._showing.one
        state, pointer, halves = memory.state, memory.pointer, memory.halves
        view, unpack = memory.state_view, _SHOWN.unpack_from
        memory.data, state.before_ip, state.first_packet = data, before_ip, first
        # Arguments that stay the same are made here: ctypes would make them anew for each call.
        places, count = c_void_p(records.packed.buffer_info()[0]), len(records)
        seen, size, all_of_them = c_char_p(data), c_int64(len(data)), c_int64(count)
        at = 0
        try:
            while True:
                answer = join(pointer, seen, size, places, all_of_them, at)
                at = (answer >> layout.REASON_BITS) + 1
                reason = answer & _REASON
                if reason == layout.SHOW:
                    index, when, start, stop, unseen = unpack(view, _SHOWN_AT)
                    half = halves[index]
                    assert half is not None
                    packet = first + at - 1
                    if unseen:
                        yield from self._after_unseen(half, unseen, (when, packet, start, stop))
                    elif half.peer.waits or half.skip_asked:
                        yield from deliver(half, [(when, packet, data[start:stop])])
                    else:
                        yield one(half, (when, packet, data[start:stop]))
                elif reason == layout.FLUSH:
                    half = halves[state.half]
                    assert half is not None
                    yield from self._showing.flush(half)
                elif reason == layout.RARE:
                    record = records[at - 1]
                    yield from self._walk(batch, (record,), first + at - 1)
                    start = record[1] + before_ip + _KEY_AT
                    self._admit(data[start : start + layout.KEY])
                elif reason == layout.FULL:
                    memory.settle()
                    at -= 1
                else:
                    break
            if count:
                self._rare.at, self._rare.packet = records[-1][0], first + count - 1
            memory.settle()
            yield from self._showing.end_batch(count)
        finally:
            memory.settle()
            self._showing.carry()
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
            or half.batch == IN_PLACE
            or half.peer.batch == IN_PLACE
        ):
            return
        up = connection.up = NativeHalf(self._memory, connection.up)
        down = connection.down = NativeHalf(self._memory, connection.down)
        up.peer, down.peer = down, up
        self._table.keys[connection.key] = up
        self._table.keys[connection.reverse] = down

    def _after_unseen(self, half: NativeHalf, unseen: int, places: Record) -> Iterator[Delivery]:
        """Bytes that are shown, after some that were not: as in the pure loop."""
        yield from self._showing.settle(half)
        at, packet, start, stop = places
        if start == stop:
            return
        data = self._memory.data
        if half.batch == IN_PLACE:
            half.lay(data, at, packet, start, stop)
            half.room -= unseen + stop - start
            self._showing.in_place[half] = None
        elif half.batch:
            half.pending.append((at, packet, data[start:stop]))
            half.room -= unseen + stop - start
            if half.room < 0:
                yield from self._showing.flush(half)
        else:
            yield from self._reassembler.deliver(half, [(at, packet, data[start:stop])])
