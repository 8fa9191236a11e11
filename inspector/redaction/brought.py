"""Which packets brought the bytes of a direction."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import itemgetter, sub
from typing import Final

from inspector.wire import Segment, Segments

#: The offset that a run begins at.
_BEGIN: Final = itemgetter(0)


class Brought:
    """The packets that brought the bytes from an offset on, until those are decided."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        #: An offset, and from there on the places of segments.
        self._runs: list[tuple[int, array[int]]] = []

    def add(self, offset: int, segments: Sequence[Segment]) -> int:
        """Some more, of which there is one at least; the time of the last, in ns."""
        places = _places(segments)
        self._runs.append((offset, places))
        return places[-4]

    def forget(self, decided: int) -> None:
        """Nobody asks for bytes before this offset any more."""
        runs = self._runs
        gone = 0
        while len(runs) > gone + 1 and runs[gone + 1][0] <= decided:
            gone += 1
        del runs[:gone]

    def of(self, offset: int) -> tuple[int, int]:
        """Number and time of the packet that brought a byte; zeros if that is forgotten."""
        run = bisect_right(self._runs, offset, key=_BEGIN) - 1
        if run < 0:
            return 0, 0
        begin, places = self._runs[run]
        begins = [*accumulate(map(sub, places[3::4], places[2::4]), initial=begin)][:-1]
        at = 4 * (bisect_right(begins, offset) - 1)
        return places[at + 1], places[at]

    def last(self, at: int, before: int) -> int:
        """Where the last packet of this time begins whose first byte is no later than `before`."""
        found = before
        for begin, _, time in self._packets():
            if begin > before:
                break
            found = begin if time == at else found
        return found

    def _packets(self) -> Iterator[tuple[int, int, int]]:
        """Where in the stream packets began, their numbers and times."""
        for offset, places in self._runs:
            for at in range(0, len(places), 4):
                time, number, start, stop = places[at : at + 4]
                yield offset, number, time
                offset += stop - start


def _places(segments: Sequence[Segment]) -> array[int]:
    """Time, packet, and two places that are as far apart as its bytes are many, of each."""
    if type(segments) is Segments:
        return segments.places[:]
    return array(
        "q", [number for at, packet, data in segments for number in (at, packet, 0, len(data))]
    )
