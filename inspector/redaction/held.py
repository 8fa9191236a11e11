"""Captured packets that wait until every byte of their payload is decided.

They wait as the batch in which they came.  Nearly all are decided by the time when their
batch was read, so of a packet nothing is kept but what is odd in it.
"""

from __future__ import annotations

import ctypes
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import accumulate
from typing import Final, TypeAlias

from inspector.native.used import USED
from inspector.wire import FILE_SHIFT, Batch, PackedRecords, Record, packed_records

#: Masks a piece of a packet: from and to where it stands, and its offset.
Masking: TypeAlias = "Callable[[HeldBatch, int, int, int, int], None]"
_Piece: TypeAlias = "tuple[int, int, HeldBatch, int, int]"
#: Where in its batch a piece stands takes so many bits, below those of its packet's index.
_PLACE_BITS: Final = 48
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1
#: Pieces of packets of one direction that wait, from which on it is looked whether any have gone.
TIDY: Final = 64
#: Nanoseconds that packets may be late by, for those of several interfaces are read one after the
#: other.  What is older tells that the clock was put back.
PUT_BACK: Final = 1_000_000_000


class HoldClock:
    """How late it is by the packets' own times, in nanoseconds; it never goes back.

    A clock that is put back, be it by an hour, stands still for a moment and goes on: else
    whatever comes in that hour would have waited for an hour already.
    """

    __slots__ = ("_added", "now")

    def __init__(self) -> None:
        self.now = 0
        self._added = 0

    def at(self, time: int) -> int:
        """The reading for a packet of this time."""
        reading = time + self._added
        if reading < self.now - PUT_BACK:
            self._added += self.now - reading
            reading = self.now
        self.now = max(self.now, reading)
        return reading


class HeldBatch:
    """The packets of a batch, which go in order when they are decided.

    Places are those of `batch.data`, which is as it was captured; `data` is as it will be written.
    """

    __slots__ = ("batch", "changed", "data", "notes", "pending", "sent", "since", "waiting")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.data = bytearray(batch.data)
        #: Of each packet, whether it was.
        self.changed = bytearray(len(batch.records))
        #: By the index of a packet, what is said of it.
        self.notes: dict[int, list[str]] = {}
        #: Pieces that are not decided, by index and place: with whom they wait, where they stop.
        self.waiting: dict[int, tuple[HeldPieces, int]] = {}
        #: Fragments whose datagram is not whole.
        self.pending: set[int] = set()
        #: When each came, by a `HoldClock`; empty where no time limits how long it waits.
        self.since: list[int] = []
        #: So many packets have gone.
        self.sent = 0

    @property
    def first(self) -> int:
        """The number of the first packet."""
        return self.batch.first_packet

    @property
    def ready(self) -> int:
        """The index of the first packet that waits; behind the last: none does."""
        first = len(self.batch.records)
        if self.waiting:
            first = min(self.waiting) >> _PLACE_BITS
        return min(self.pending, default=first) if self.pending else first

    def span(self, index: int) -> tuple[int, int]:
        """Where a packet stands."""
        _, start, captured, _ = self.batch.records[index]
        return start, start + captured

    def write(self, index: int, start: int, data: bytes | bytearray) -> None:
        """Put something in the place of what stands in a packet."""
        stop = start + len(data)
        if self.data[start:stop] != data:
            self.data[start:stop] = data
            self.changed[index] = 1

    def blank(self, index: int, start: int, stop: int) -> bool:
        """Blank a stretch of a packet; whether there is any."""
        if start >= stop:
            return False
        self.data[start:stop] = b"x" * (stop - start)
        self.changed[index] = 1
        return True

    def waiting_of(self, index: int) -> dict[int, tuple[HeldPieces, int]]:
        """The pieces of a packet that are not decided, by where they begin."""
        if not self.waiting:
            return {}
        return {
            place & _PLACE_MASK: entry
            for place, entry in self.waiting.items()
            if place >> _PLACE_BITS == index
        }

    def give_up(self, index: int, start: int) -> None:
        """A piece waits no more."""
        self.waiting.pop(index << _PLACE_BITS | start, None)

    def go(self, stop: int, comments: Mapping[int, tuple[str, ...]]) -> Batch:
        """The packets up to this one, as they are written; `comments` by their index."""
        start, self.sent = self.sent, stop
        batch = self.batch
        data, records = gathered(self.data, batch.records[start:stop])
        return Batch(
            data,
            records,
            batch.link_type,
            batch.first_packet + start,
            {index - start: texts for index, texts in comments.items()},
            batch.counted_cuts,
        )


def gathered(data: bytearray, records: Sequence[Record]) -> tuple[bytes, Sequence[Record]]:
    """Packets without what lies between them, which is as it was captured; and where they lie."""
    core = USED.core
    if core is None:
        places = accumulate([size for _, _, size, _ in records], initial=0)
        return (
            b"".join([data[begin : begin + size] for _, begin, size, _ in records]),
            [
                (at, place, size, wire)
                for (at, _, size, wire), place in zip(records, places, strict=False)
            ],
        )
    taken, made = packed_records(records), PackedRecords()
    made.packed = taken.packed[:]
    room = sum(taken.packed[2::4])
    into = ctypes.create_string_buffer(max(1, room))
    core.gather(
        _address(data), len(data), taken.packed.buffer_info()[0], len(taken),
        made.packed.buffer_info()[0], into, room,
    )  # fmt: skip
    return into.raw[:room], made


def _address(data: bytearray) -> int | None:
    """Where it lies, as long as it keeps its length."""
    return ctypes.addressof(ctypes.c_char.from_buffer(data)) if data else None


class HeldPieces:
    """The pieces of packets that wait for one direction; `force` has them decided.

    Nearly all come in order, and are decided so.  Of packets out of order the later may be decided
    first: those are in a heap by where they end, so that what is not is not looked at again for
    each packet.
    """

    __slots__ = ("_heap", "_queue", "_tidy_at", "_turn", "force")

    def __init__(self, force: Callable[[], None]) -> None:
        self.force = force
        # (where the piece ends, a number of its own, its packets, its place there, its offset)
        self._queue: deque[_Piece] = deque()
        self._heap: list[_Piece] = []
        self._tidy_at = TIDY
        self._turn = 0

    def add(self, held: HeldBatch, index: int, start: int, stop: int, offset: int) -> None:
        """A piece of a packet, whose first byte has this offset, is not decided."""
        place = index << _PLACE_BITS | start
        held.waiting[place] = self, stop
        end = offset + stop - start
        queue = self._queue
        self._turn += 1
        piece = end, self._turn, held, place, offset
        if not queue or queue[-1][0] <= end:
            queue.append(piece)
        else:
            heappush(self._heap, piece)
        if len(queue) + len(self._heap) >= self._tidy_at:
            # Packets that could wait no longer have gone.
            self._queue = deque([each for each in queue if each[3] in each[2].waiting])
            self._heap = [each for each in self._heap if each[3] in each[2].waiting]
            heapify(self._heap)
            self._tidy_at = 2 * (len(self._queue) + len(self._heap)) + TIDY

    def settle(self, decided: int | None, mask: Masking) -> None:
        """Mask what is `decided`; None: everything."""
        queue, heap = self._queue, self._heap
        while queue and (decided is None or queue[0][0] <= decided):
            _, _, held, place, offset = queue.popleft()
            entry = held.waiting.pop(place, None)
            if entry is not None:
                mask(held, place >> _PLACE_BITS, place & _PLACE_MASK, entry[1], offset)
        while heap and (decided is None or heap[0][0] <= decided):
            _, _, held, place, offset = heappop(heap)
            entry = held.waiting.pop(place, None)
            if entry is not None:
                mask(held, place >> _PLACE_BITS, place & _PLACE_MASK, entry[1], offset)

    def first(self, default: int) -> int:
        """The lowest offset that a piece here begins with."""
        return min([piece[4] for piece in (*self._queue, *self._heap)], default=default)


class HeldBatches:
    """The batches that wait, in the order in which they came, of any number of files."""

    __slots__ = ("_by_file", "_order")

    def __init__(self) -> None:
        self._order: deque[HeldBatch] = deque()
        self._by_file: dict[int, list[HeldBatch]] = {}

    def __bool__(self) -> bool:
        return bool(self._order)

    @property
    def oldest(self) -> HeldBatch:
        """Whose turn it is to go."""
        return self._order[0]

    @property
    def file(self) -> int:
        """The file of the batch that came last."""
        return self._order[-1].first >> FILE_SHIFT if self._order else 0

    def add(self, held: HeldBatch) -> None:
        """A batch came."""
        self._order.append(held)
        self._by_file.setdefault(held.first >> FILE_SHIFT, []).append(held)

    def drop(self) -> None:
        """All packets of the oldest have gone."""
        held = self._order.popleft()
        self._by_file[held.first >> FILE_SHIFT].remove(held)

    def find(self, number: int) -> tuple[HeldBatch, int] | None:
        """The batch of a packet, and its index there; None: it has gone."""
        batches = self._by_file.get(number >> FILE_SHIFT, ())
        at = bisect_right(batches, number, key=_first) - 1
        if at < 0:
            return None
        held = batches[at]
        index = number - held.first
        return (held, index) if held.sent <= index < len(held.changed) else None


def _first(held: HeldBatch) -> int:
    return held.first
