"""Assign tunnels to calls in order, as cheaply as possible, and price each alternative.

The API proxy is one thread that opens its tunnels in the order in which requests became
whole (measured: 500 at once, 0.98 to 1.96 s late, not one out of order).  So the n-th call
has the n-th tunnel, but for calls that had none and tunnels that were nobody's: an alignment
of two sequences, as a chain of pairs in which calls and tunnels both ascend.

Pairs are looked at around the place where the order stands, not each call with each tunnel;
all else takes n log n.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Final, TypeAlias

from inspector.chain.evidence import MS
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.turn import Turn, as_time_goes
from inspector.fact import Changing, field

#: Calls that a tunnel may be taken for before the one whose turn it was (seen 0.2 ms apart).
CROSSING: Final = 2
#: Two pairs in the wrong order cost `_CROSSED`, and 1 more for each tenth of a millisecond between
#: the requests, up to `_DISORDER_CAP`.  From 0.8 ms on that is more than the ends of both pairs
#: can outweigh (4 each), so only requests of the same turn change places (seen 0.2 ms apart).
#: The cap equals `NO_TUNNEL`: a higher one would rather leave a call alone.
_CROSSED: Final = 0.2
_DISORDER_CAP: Final = 12.0
_DISORDER_SCALE: Final = MS // 10
_ALONE: Final = float("inf")

#: What it costs that a tunnel (second) carried a call's answer, among so many that waited
#: (third); None where it cannot have.
Price: TypeAlias = Callable[[int, int, int], float | None]


class _Front:
    """The cheapest chains so far by their last call: the later the call, the cheaper.

    A chain that ends later and is no cheaper is never better continued, and is dropped.
    """

    def __init__(self, empty: float) -> None:
        self._empty = empty
        self._ends: list[int] = []
        self._costs: list[float] = []

    def before(self, call: int) -> float:
        """What the cheapest chain costs that ends before this call, the empty one among them."""
        at = bisect_left(self._ends, call)
        return self._costs[at - 1] if at else self._empty

    def add(self, call: int, cost: float) -> None:
        """A chain that ends with this call."""
        at = bisect_left(self._ends, call)
        if cost >= (self._costs[at - 1] if at else self._empty):
            return
        if at < len(self._ends) and self._ends[at] == call and self._costs[at] <= cost:
            return
        end = at
        while end < len(self._costs) and self._costs[end] >= cost:
            end += 1
        self._ends[at:end] = [call]
        self._costs[at:end] = [cost]


class Pairs(Changing):
    """The pairs that were priced, tunnel by tunnel, in arrays: there may be a million."""

    first: array[int] = field(default_factory=lambda: array("L", [0]))
    calls: array[int] = field(default_factory=lambda: array("L"))
    prices: array[float] = field(default_factory=lambda: array("d"))
    #: For each tunnel how many calls waited when it was opened.
    crowds: array[int] = field(default_factory=lambda: array("L"))

    def __len__(self) -> int:
        return len(self.first) - 1

    def of(self, carrier: int) -> range:
        """The places of a tunnel's pairs."""
        return range(self.first[carrier], self.first[carrier + 1])


class _Steps(Changing):
    """The links that a chain may be made of, by the tunnel they end with.

    A step is a pair, or two that crossed: calls `low` and `high` with this tunnel and the
    one before.  `gains` is what it costs beyond what it costs that all are alone, below 0 if
    it is a gain; `before` is what the cheapest chain costs that may come before it.
    """

    first: array[int] = field(default_factory=lambda: array("L", [0]))
    low: array[int] = field(default_factory=lambda: array("L"))
    high: array[int] = field(default_factory=lambda: array("L"))
    gains: array[float] = field(default_factory=lambda: array("d"))
    before: array[float] = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.first) - 1

    def add(self, low: int, high: int, gain: float, before: float) -> None:
        """A step that ends with the newest tunnel."""
        self.low.append(low)
        self.high.append(high)
        self.gains.append(gain)
        self.before.append(before)

    def of(self, carrier: int) -> range:
        """The places of the steps that end with a tunnel."""
        return range(self.first[carrier], self.first[carrier + 1])

    def calls(self, place: int) -> tuple[int, ...]:
        """The calls of a step, in the order of their tunnels."""
        low, high = self.low[place], self.high[place]
        return (low,) if low == high else (high, low)


class Order(Changing):
    """The cheapest chain: each call's tunnel."""

    pairs: Pairs
    carrier_of: dict[int, int]
    _steps: _Steps
    _cheapest: float
    _ends: Sequence[float]

    def margins(self) -> dict[int, float]:
        """How much dearer it is to part each call and its tunnel.

        A call without a margin is one that no other pair, and no other order, could have.
        """
        return _margins(self._steps, self.carrier_of, self._cheapest, self._ends)


def align(
    calls: Sequence[CallRow],
    carriers: Sequence[Carrier],
    price: Price,
    without: Sequence[float],
    nobodys: float,
    is_over: Callable[[CallRow], bool],
    is_stranger: Callable[[int, int], bool] = lambda call, carrier: False,
) -> Order:
    """Give tunnels to calls without leaving the order, as cheaply as can be.

    Both are in the order of their times; `without` is what each call costs that gets no
    tunnel, `nobodys` what each tunnel costs that is no call's.  A call that is not over and
    stands behind all that have tunnels costs nothing yet: its own may be still to come.  A pair of
    strangers, by their sizes, tells nothing of whose turn it is.
    """
    front, pairs, steps = _Front(0.0), Pairs(), _Steps()
    ends = [
        0.0,
        *accumulate(
            0.0 if is_over(call) else cost for call, cost in zip(calls, without, strict=True)
        ),
    ]
    turn, cheapest = Turn(), 0.0
    #: Of the tunnel before, for each call in its window: what the pair gains, and what the
    #: cheapest chain costs before it.
    last: dict[int, tuple[float, float]] = {}
    for carrier, waiting in enumerate(as_time_goes(calls, carriers)):
        pairs.crowds.append(len(waiting))
        here: dict[int, tuple[float, float]] = {}
        window = waiting.around(turn.next)
        fits: dict[int, float] = {}
        for call in window:
            cost, before = price(call, carrier, len(waiting)), front.before(call)
            gain = _ALONE
            if cost is not None:
                if not is_stranger(call, carrier):
                    fits[call] = cost
                gain = cost - without[call] - nobodys
                pairs.calls.append(call)
                pairs.prices.append(cost)
                steps.add(call, call, gain, before)
                for other in range(call + 1, call + 1 + CROSSING):
                    if other in last and last[other][0] < _ALONE and call in last:
                        crossed = disorder(calls[call], calls[other])
                        steps.add(call, other, gain + last[other][0] + crossed, last[call][1])
            here[call] = gain, before
        pairs.first.append(len(pairs.calls))
        steps.first.append(len(steps.low))
        turn.move(window, fits)
        for place in steps.of(carrier):
            high, cost = steps.high[place], steps.before[place] + steps.gains[place]
            front.add(high, cost)
            cheapest = min(cheapest, cost + ends[high + 1])
        last = here
    return Order(pairs, _trace(steps, cheapest, ends), steps, cheapest, ends)


def disorder(first: CallRow, second: CallRow) -> float:
    """Return the price of two pairs in which the later call has the earlier tunnel."""
    return min(_CROSSED + apart(first, second) / _DISORDER_SCALE, _DISORDER_CAP)


def apart(first: CallRow, second: CallRow) -> int:
    """Return how long (ns) after the first request was whole the second began; 0 if before.

    A busy API proxy finds all of two requests at once, and takes up the one that began first.
    """
    asked = second.asked if second.asked != UNKNOWN else second.begun
    return max(0, asked - first.begun)


def _trace(steps: _Steps, cheapest: float, ends: Sequence[float]) -> dict[int, int]:
    """Follow the cheapest chain back from its end, and return each call's tunnel."""
    found: dict[int, int] = {}
    behind, wanted, is_last = len(ends) - 1, cheapest, True
    carrier = len(steps) - 1
    while carrier >= 0 and wanted != 0.0:
        for place in steps.of(carrier):
            high = steps.high[place]
            cost = steps.before[place] + steps.gains[place]
            if high < behind and (cost + ends[high + 1] if is_last else cost) == wanted:
                taken = steps.calls(place)
                for back, call in enumerate(reversed(taken)):
                    found[call] = carrier - back
                carrier -= len(taken) - 1
                behind, wanted, is_last = steps.low[place], steps.before[place], False
                break
        carrier -= 1
    return found


def _margins(
    steps: _Steps, carrier_of: Mapping[int, int], cheapest: float, ends: Sequence[float]
) -> dict[int, float]:
    """Return how much more the cheapest chain without each pair costs.

    The cheapest chain through a step is the cheapest before it, itself, and the cheapest
    behind it, which the same walk from the other end finds.
    """
    call_of = {carrier: call for call, carrier in carrier_of.items()}
    margins: dict[int, float] = {}
    front = _Front(_ALONE)
    last = len(ends) - 2
    #: Steps that began one tunnel before the one that is looked at: from which call, at what cost.
    crossed: list[tuple[int, float]] = []
    for carrier in range(len(steps) - 1, -1, -1):
        begins = crossed
        crossed = []
        for place in steps.of(carrier):
            low, high = steps.low[place], steps.high[place]
            behind = steps.gains[place] + min(front.before(last - high), ends[high + 1])
            (begins if low == high else crossed).append((low, behind))
            dearer = max(0.0, steps.before[place] + behind - cheapest)
            taken = steps.calls(place)
            for back, call in enumerate(reversed(taken)):
                if carrier_of.get(call) != carrier - back:
                    for parted in (call, call_of.get(carrier - back, -1)):
                        if parted in carrier_of and dearer < margins.get(parted, _ALONE):
                            margins[parted] = dearer
        for low, cost in begins:
            front.add(last - low, cost)
    return margins
