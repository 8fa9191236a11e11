"""Track which calls wait for a tunnel, and which call is next in the order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Final

from inspector.chain.evidence import JITTER
from inspector.chain.rows import UNKNOWN, CallRow, Carrier

#: Calls on either side of the one whose turn it is that a tunnel is tried with.
REACH: Final = 32

#: What a call or a tunnel costs that has no partner, to tell whose turn it is: twice as much as
#: a pair that fits ill.
_LEFT_ALONE: Final = 6.0
_FITS_ILL: Final = _LEFT_ALONE / 2


class Waiting:
    """The calls that currently wait for a tunnel, in order."""

    def __init__(self) -> None:
        self._places: list[int] = []
        self._ends: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, place: int, call: CallRow) -> None:
        """Add a call whose request is now whole; it stands behind all others."""
        self._places.append(place)
        if call.until != UNKNOWN:
            heappush(self._ends, (call.until, place))

    def forget(self, at: int) -> None:
        """Remove the calls whose answers began before this time."""
        while self._ends and self._ends[0][0] + JITTER < at:
            _, place = heappop(self._ends)
            del self._places[bisect_left(self._places, place)]

    def around(self, place: int) -> list[int]:
        """Return the nearest waiting calls on either side of a place."""
        at = bisect_left(self._places, place)
        return self._places[max(0, at - REACH) : at + REACH]


class Turn:
    """Whose turn it is, as tunnels come: `next` is the call.

    The edit distance of both sequences up to here, in the window: what a chain costs that leaves
    calls and tunnels alone equally gladly.  `_so_far` is that for each last call.
    """

    def __init__(self) -> None:
        self.next = 0
        self._before = 0.0
        self._so_far: dict[int, float] = {}

    def move(self, window: Sequence[int], fits: Mapping[int, float]) -> None:
        """A tunnel came; what it costs that each call in the window had it, where one can have."""
        old = self._so_far
        if window:
            for call, cost in old.items():
                if call >= window[0]:
                    break
                self._before = cost
        before = self._before
        self._before += _LEFT_ALONE
        best, self.next = self._before, window[0] if window else self.next
        so_far: dict[int, float] = {}
        newest = self._before
        for call in window:
            cost = newest + _LEFT_ALONE
            if call in old:
                cost = min(cost, old[call] + _LEFT_ALONE)
            if call in fits:
                cost = min(cost, before + min(fits[call], _FITS_ILL))
            before = old.get(call, before + _LEFT_ALONE)
            so_far[call] = newest = cost
            if cost < best:
                best, self.next = cost, call + 1
        self._so_far = so_far


def as_time_goes(calls: Sequence[CallRow], carriers: Sequence[Carrier]) -> Iterator[Waiting]:
    """Yield, for each tunnel, the calls that waited when it was opened."""
    waiting = Waiting()
    coming = 0
    for carrier in carriers:
        # Jitter: a SYN may bear an earlier time than the request's last packet.
        while coming < len(calls) and calls[coming].begun <= carrier.opened + JITTER:
            waiting.add(coming, calls[coming])
            coming += 1
        waiting.forget(carrier.opened)
        yield waiting
