"""Where things stand in a stream.

An offset counts the bytes of one direction of one connection; the first has
0, and bytes that are known to be missing are counted too.  An `Extent` is
half-open, so that `stream[start:stop]` is the thing itself, and that two
things which touch share a number.

Nearly nobody asks where a field stood, and everybody pays for what is
computed before being asked.  A head therefore keeps only what its texts do not
tell: where it starts, how its lines differ from what the grammar prescribes.
The rest is added up when somebody asks.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import sub
from typing import NamedTuple, overload

from inspector.fact import Fact


class Extent(NamedTuple):
    """The bytes from offset `start` up to `stop`, which is not one of them."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many bytes that is."""
        return self.stop - self.start


class Extents(Sequence[Extent]):
    """Extents of a stream as numbers: where each begins, and where it stops.

    `packed` holds them one behind another; an `Extent` is made of two when somebody asks for it.
    """

    __slots__ = ("packed",)

    def __init__(self, packed: array[int] | None = None) -> None:
        self.packed = array("q") if packed is None else packed

    @overload
    def __getitem__(self, index: int) -> Extent: ...
    @overload
    def __getitem__(self, index: slice) -> Extents: ...
    def __getitem__(self, index: int | slice) -> Extent | Extents:
        count = len(self)
        if isinstance(index, slice):
            start, stop, step = index.indices(count)
            if step != 1:
                raise ValueError("extents are consecutive")
            return Extents(self.packed[2 * start : 2 * max(start, stop)])
        if not -count <= index < count:
            raise IndexError(index)
        at = index % count * 2
        return Extent(self.packed[at], self.packed[at + 1])

    def __len__(self) -> int:
        return len(self.packed) >> 1

    def __eq__(self, other: object) -> bool:
        """Equal to every sequence of the same extents."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Extents {self.packed.tolist()}>"

    def add(self, start: int, stop: int) -> None:
        """One more."""
        self.packed.extend((start, stop))

    def join(self, others: Extents) -> None:
        """Some more; a row of them, as segments mostly are, is one."""
        packed, more = self.packed, others.packed
        if not more:
            return
        if more[1:-1:2] == more[2::2]:
            more = array("q", (more[0], more[-1]))
        if packed and packed[-1] == more[0]:
            packed[-1] = more[1]
            more = more[2:]
        packed += more

    def take(self, size: int) -> Extents:
        """Cut off the first `size` bytes, which there must be."""
        packed = self.packed
        starts, stops = packed[::2], packed[1::2]
        if size == sum(stops) - sum(starts):
            self.packed = array("q")
            return Extents(packed)
        if not size:
            return Extents()
        ends = list(accumulate(map(sub, stops, starts)))
        last = bisect_left(ends, size)
        bound, rest = 2 * last + 2, ends[last] - size
        taken = Extents(packed[:bound])
        if rest:
            taken.packed[-1] -= rest
            packed[bound - 2] = packed[bound - 1] - rest
            bound -= 2
        del packed[:bound]
        return taken

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Where each begins and stops."""
        numbers = iter(self.packed)
        return zip(numbers, numbers, strict=True)


class FieldPlace(NamedTuple):
    """Where a header or trailer field stands.

    `line`: all of it, folds and the last line end included.  `name` and `raw`
    are the texts of the `Field`; between them stands the colon, in malformed
    lines with blanks.
    """

    line: Extent
    name: Extent
    raw: Extent

    def moved(self, by: int) -> FieldPlace:
        """The same place `by` bytes later."""
        return FieldPlace(*(Extent(start + by, stop + by) for start, stop in self))


class FieldLines(Fact):
    """Where a block of field lines stands, the empty line at its end included.

    `odd`: the places of the fields, counted from the block's start, if not
    every line is `name ":" raw CRLF` (RFC 9112 5) and no more; else None.
    """

    start: int
    stop: int
    odd: tuple[FieldPlace, ...] | None = None

    @property
    def extent(self) -> Extent:
        """The whole block."""
        return Extent(self.start, self.stop)

    def places(self, fields: Iterable[tuple[bytes, bytes]]) -> tuple[FieldPlace, ...]:
        """Where each of `fields` stands, which are those read from this block."""
        start = self.start
        if self.odd is not None:
            return tuple([place.moved(start) for place in self.odd])
        places: list[FieldPlace] = []
        for name, raw in fields:
            colon = start + len(name)
            stop = colon + 1 + len(raw)
            places.append(
                FieldPlace(
                    line=Extent(start, stop + 2),
                    name=Extent(start, colon),
                    raw=Extent(colon + 1, stop),
                )
            )
            start = stop + 2
        return tuple(places)


class HeadLayout(Fact):
    """How a head is laid out; offsets count from its first byte.

    `target`, `version`: where these begin in a request line (0 in a status
    line, whose parts have fixed sizes).  `line`: where the start line's text
    ends, `fields`: where the line after it begins.  `size`: of the whole head.
    `odd`: see `FieldLines`.
    """

    target: int
    version: int
    line: int
    fields: int
    size: int
    odd: tuple[FieldPlace, ...] | None
