"""From places in a body to places in the stream that carried it.

A body's bytes are cut by chunk lines, and by nothing else: what a reader of
the body calls offset 100 stands somewhere else in the stream.  Of a coded body
there is no such place: a byte of the text is all over the coded bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from inspector.protocols.extent import Extent


class Place(NamedTuple):
    """Where a text of a body stands.

    `extents`: in the stream, one for each stretch between chunk lines; or, if
    `decoded`, one that counts in the body after its content coding was undone.
    """

    extents: tuple[Extent, ...]
    decoded: bool


class BodyPlaces:
    """Where the pieces of one body stand.  `decoded`: its content coding was undone.

    Takes two numbers for each stretch between chunk lines; `forget` what will
    not be asked about.
    """

    __slots__ = ("_decoded", "_offsets", "_places", "_size")

    def __init__(self, *, decoded: bool = False) -> None:
        self._decoded = decoded
        self._size = 0
        self._offsets: list[int] = []  # in the body, of the stretches in `_places`
        self._places: list[Extent] = []

    def add(self, places: Iterable[Extent]) -> None:
        """The next stretches of the body: `Body.places`, or the extent of a `BodyGap`."""
        for place in places:
            if self._places and self._places[-1].stop == place.start:
                self._places[-1] = Extent(self._places[-1].start, place.stop)
            else:
                self._offsets.append(self._size)
                self._places.append(place)
            self._size += place.size

    def place(self, extent: Extent) -> Place:
        """Where the bytes `extent` of the body stand; those not added or forgotten are left out."""
        if self._decoded:
            return Place((extent,), decoded=True)
        found: list[Extent] = []
        first = max(0, bisect_right(self._offsets, extent.start) - 1)
        for number in range(first, len(self._places)):
            offset, place = self._offsets[number], self._places[number]
            if offset >= extent.stop:
                break
            start = place.start + max(0, extent.start - offset)
            stop = min(place.stop, place.start + extent.stop - offset)
            if start < stop:
                found.append(Extent(start, stop))
        return Place(tuple(found), decoded=False)

    def forget(self, before: int) -> None:
        """Nobody will ask about the body's bytes before this offset."""
        done = bisect_right(self._offsets, before) - 1
        if done > 0:
            del self._offsets[:done]
            del self._places[:done]
