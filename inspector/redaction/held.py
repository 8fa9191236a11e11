"""Captured packets that wait until every byte of their payload is decided.

They wait as the batch in which they came, those of one direction together (`Share`).  Nearly all
are decided by the time when their batch was read, so of a packet nothing is kept but a row of
numbers, and what is odd in it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from inspector.fact import replace
from inspector.flows.tcp import SEQUENCE_MASK, SYN
from inspector.native.layout import (
    KEY,
    USUAL_FIELDS,
    USUAL_FLAGS,
    USUAL_SEQUENCE,
    USUAL_START,
    USUAL_STOP,
    USUAL_WAY,
    Cover,
)
from inspector.redaction.covering import CHANGED, NOWHERE, RECODED, Packets, cover
from inspector.redaction.gathering import gathered
from inspector.redaction.track import Track
from inspector.redaction.usual import UsualSegments
from inspector.wire import FILE_SHIFT, Batch, packed_records

#: Shares of one direction that wait, from which on it is looked whether any have gone.
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

    def readings(self, times: array[int]) -> Sequence[int]:
        """The readings for packets of these times, in their order."""
        if not times:
            return times
        least, most = min(times), max(times)
        if self._added or most - least > PUT_BACK or least < self.now - PUT_BACK:
            return [self.at(time) for time in times]
        self.now = max(self.now, most)  # nothing is put back, as ever
        return times


class HeldBatch(Packets):
    """The packets of a batch, which go in order when they are decided.

    Places are those of `batch.data`, which is as it was captured until `are_placed`; `data` is as
    it will be written.
    """

    __slots__ = (
        "batch", "notes", "pending", "records", "sent", "shares", "since", "ways",
    )  # fmt: skip

    def __init__(self, batch: Batch, usual: UsualSegments) -> None:
        super().__init__(batch.data, usual.packed)
        self.batch = batch
        self.records = packed_records(batch.records)
        #: By the index of a packet, what is said of it.
        self.notes: dict[int, list[str]] = {}
        #: The directions that it has packets of: the `way` of a row, by their keys.
        self.ways = {key: way for way, key in enumerate(usual.keys)}
        #: What is not decided.
        self.shares: set[Share] = set()
        #: Fragments whose datagram is not whole.
        self.pending: set[int] = set()
        #: When each came, by a `HoldClock`; empty where no time limits how long it waits.
        self.since: Sequence[int] = ()
        #: So many packets have gone.
        self.sent = 0

    def are_placed(self) -> None:
        """Nobody asks any more for the packets as they were captured: what waits is in `data`."""
        self.batch = replace(self.batch, data=b"")

    @property
    def first(self) -> int:
        """The number of the first packet."""
        return self.batch.first_packet

    @property
    def ready(self) -> int:
        """The index of the first packet that waits; behind the last: none does."""
        first = len(self.flags)
        if self.shares:
            first = min([share.at for share in self.shares])
        return min(self.pending, default=first) if self.pending else first

    def size(self, start: int, stop: int) -> int:
        """Bytes of the packets from one to before another."""
        return sum(self.records.packed[4 * start + 2 : 4 * stop : 4])

    def span(self, index: int) -> tuple[int, int]:
        """Where a packet stands."""
        _, start, captured, _ = self.records[index]
        return start, start + captured

    def payload(self, index: int) -> tuple[int, int]:
        """Where the part of its direction stands that a packet brought."""
        row = index * USUAL_FIELDS
        return self.rows[row + USUAL_START], self.rows[row + USUAL_STOP]

    def key(self, index: int) -> bytes:
        """The key of the direction of a packet in a usual frame."""
        at = self.rows[index * USUAL_FIELDS]
        return self.batch.data[at : at + KEY]

    def sequence(self, index: int) -> int:
        """The number of that part's first byte."""
        row = index * USUAL_FIELDS
        opens = bool(self.rows[row + USUAL_FLAGS] & SYN)
        return self.rows[row + USUAL_SEQUENCE] + opens & SEQUENCE_MASK

    def lay(self, index: int, way: int, sequence: int, start: int, stop: int) -> bool:
        """A packet of another frame brought a part of a direction; whether it has no other yet."""
        row = index * USUAL_FIELDS
        if self.rows[row + USUAL_START]:
            return False
        self.rows[row : row + USUAL_FIELDS] = array("q", (-1, sequence, 0, start, stop, way))
        return True

    def way(self, key: bytes) -> int:
        """The number of a direction."""
        return self.ways.setdefault(key, len(self.ways))

    def write(self, index: int, start: int, data: bytes | bytearray) -> None:
        """Put something in the place of what stands in a packet."""
        stop = start + len(data)
        if self.data[start:stop] != data:
            self.data[start:stop] = data
            self.flags[index] |= CHANGED

    def blank(self, index: int, start: int, stop: int) -> bool:
        """Blank a stretch of a packet; whether there is any."""
        if start >= stop:
            return False
        self.data[start:stop] = b"x" * (stop - start)
        self.flags[index] |= CHANGED
        return True

    def blank_usual(self) -> None:
        """Blank what every segment in a usual frame brought: it is nobody's any more."""
        starts = self.rows[USUAL_START::USUAL_FIELDS]
        stops = self.rows[USUAL_STOP::USUAL_FIELDS]
        for index, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            if start < stop:
                self.blank(index, start, stop)
        self.rows[USUAL_STOP::USUAL_FIELDS] = starts

    def recoded(self, start: int, stop: int) -> list[int]:
        """Which packets from one to before another have bytes of bodies that were coded anew."""
        flags = self.flags[start:stop]
        if not (flags.count(RECODED) or flags.count(RECODED | CHANGED)):
            return []
        return [start + at for at, flag in enumerate(flags) if flag & RECODED]

    def waiting_at(self, index: int) -> list[Share]:
        """The share of which a packet is the first that waits."""
        return [share for share in self.shares if share.at == index]

    def give_up(self, index: int) -> None:
        """A packet waits no more."""
        self.rows[index * USUAL_FIELDS + USUAL_START] = -1
        for share in self.waiting_at(index):
            share.go_on()

    def chained(self, index: int) -> Iterator[int]:
        """The packets of one direction from this one on."""
        while index >= 0:
            yield index
            index = self.following[index]

    def alike(self, index: int, end: int | None = None) -> list[int]:
        """A packet, and those of its direction behind it to before `end`; none of a fragment's."""
        ways = self.rows[USUAL_WAY::USUAL_FIELDS]
        end = index + 1 if ways[index] < 0 else len(ways) if end is None else end
        return [index, *(at for at in range(index + 1, end) if ways[at] == ways[index])]

    def go(self, stop: int, comments: Mapping[int, tuple[str, ...]]) -> Batch:
        """The packets up to this one, as they are written; `comments` by their index."""
        start, self.sent = self.sent, stop
        batch = self.batch
        data, records = gathered(
            self.data, self.records[start:stop], is_last=stop - start == len(self.flags)
        )
        return Batch(
            data,
            records,
            batch.link_type,
            batch.first_packet + start,
            {index - start: texts for index, texts in comments.items()},
            batch.counted_cuts,
        )


class Share:
    """The packets of a batch that one direction brought, as far as they wait for it.

    `known` and `offset`: the byte with this number lies there.  `at` is the row of the first that
    waits (-1: none does), `least` where the first of them begins, `soonest` where the first ends;
    neither is later.
    """

    __slots__ = ("at", "held", "known", "least", "offset", "pieces", "soonest")

    def __init__(
        self, held: HeldBatch, at: int, known: int, offset: int, pieces: HeldPieces
    ) -> None:
        self.held = held
        self.at = at
        self.known = known
        self.offset = offset
        self.pieces = pieces
        self.least = self.soonest = NOWHERE

    def cover(self, track: Track, odd: Callable[[int, int], None], *, over: bool) -> None:
        """Mask what is decided of them; `over`: nothing waits any more.

        `odd` is told the index and offset of each that is not what its direction brought.
        """
        held = self.held
        mark = RECODED if track.is_recoded else 0
        direction = Cover(
            known=self.known, offset=self.offset, decided=track.decided, over=over, mark=mark,
            first=-1, last=-1, least=NOWHERE, soonest=NOWHERE,
        )  # fmt: skip
        at, stretch = self.at, track.stretch()
        while at >= 0:
            at = cover(direction, stretch, held, at)
            if at < 0:
                break
            other = track.stretch(direction.odd)
            start, stop = held.payload(at)
            if other is not stretch and direction.odd + stop - start <= other.stop:
                stretch = other  # it came before a gap, as those behind it may have
                continue
            index, at = at, held.following[at]
            odd(index, direction.odd)
        self.at, self.least, self.soonest = direction.first, direction.least, direction.soonest
        if self.at < 0:
            held.shares.discard(self)

    def fail(self) -> list[int]:
        """Nothing of it can be told: it waits no more; which packets it may be about."""
        first, self.at = self.at, -1
        self.held.shares.discard(self)
        return [] if first < 0 else self.held.alike(first)

    def go_on(self) -> None:
        """The first of them waits no more."""
        held = self.held
        self.at = next(
            (at for at in held.chained(held.following[self.at]) if held.payload(at)[0] >= 0), -1
        )
        if self.at < 0:
            held.shares.discard(self)


class HeldPieces:
    """The shares of batches that wait for one direction; `force` has them decided.

    They are in a heap by where they end: what is not decided is not looked at again.
    """

    __slots__ = ("_heap", "_tidy_at", "_turn", "force")

    def __init__(self, force: Callable[[], None]) -> None:
        self.force = force
        # (where the first of its packets ends, a number of its own, and it)
        self._heap: list[tuple[int, int, Share]] = []
        self._tidy_at = TIDY
        self._turn = 0

    def add(self, share: Share) -> None:
        """Some packets are not decided."""
        share.held.shares.add(share)
        self._turn += 1
        heappush(self._heap, (share.soonest, self._turn, share))
        if len(self._heap) >= self._tidy_at:
            # Packets that could wait no longer have gone.
            self._heap = [each for each in self._heap if each[2].at >= 0]
            heapify(self._heap)
            self._tidy_at = 2 * len(self._heap) + TIDY

    def due(self, decided: int | None) -> list[Share]:
        """Take out what has packets that are `decided`; None: everything."""
        heap, found = self._heap, []
        while heap and (decided is None or heap[0][0] <= decided):
            share = heappop(heap)[2]
            if share.at >= 0:
                found.append(share)
        return found

    def first(self, default: int) -> int:
        """The lowest offset that a packet here begins with."""
        return min([share.least for _, _, share in self._heap if share.at >= 0], default=default)


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
        return (held, index) if held.sent <= index < len(held.flags) else None


def _first(held: HeldBatch) -> int:
    return held.first
