"""Explain a cluster: decide which tunnel carried which call's answer.

First, tunnels are assigned to calls in order (`order.py`).  Then a tunnel that was opened as soon
as a call's own was over becomes that call's next attempt; a call that must have had a tunnel and
still has none gets one out of order; and neighbours exchange tunnels where times and sizes fit
better that way, because the API proxy may take up two requests that end in the same turn of its
event loop in either order (seen 0.2 ms apart).  The margin of a link is how much more the next
best explanation costs.

The prices are on the scale of `evidence`.  tests/chain/test_explanation.py has those that decide
from either side; the others (`_SEARCHED`, `_MOVES`, `_NEAREST`, `_ATTEMPTS`) bound time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Final

from inspector.chain.evidence import (
    AGAIN,
    ENDLESS,
    ENDS_TOGETHER,
    MS,
    attempt_cost,
    by_rank,
    cost,
    lag,
    may_answer,
    may_belong,
    opened_while_waiting,
    patience,
    sampled,
)
from inspector.chain.link import Link, mark_queued
from inspector.chain.order import Order, Pairs, align, apart, disorder
from inspector.chain.retries import Retries
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.sizes import Learned, unlike_growth
from inspector.chain.turn import REACH

#: The price of a tunnel that is nobody's: the API proxy's own, or an attempt that cannot be
#: attributed.  Lower: a tunnel is left alone whose ends differ from its call's; higher: calls
#: that were answered without a tunnel are given somebody else's.
NOBODYS: Final = 3.0
#: The price of a call without a tunnel, by who wrote its answer.  An answer that was passed on
#: must have had a tunnel, so it costs more than any sum of evidence but the worst (15 with
#: `NOBODYS`); an answer of the API proxy's own mostly had none.
NO_TUNNEL: Final[dict[str, float]] = {
    "relayed": 12.0,
    "upgrade": 12.0,
    "forward-proxy": 12.0,
    "api-proxy": 2.0,
    "none": 4.0,
}
#: The highest price of a call without a tunnel where packets are missing: its tunnel may be
#: among them.
_MISSING: Final = 5.0
#: A call whose price in `NO_TUNNEL` exceeds `NOBODYS` by more than this surely had a tunnel.  It
#: separates 12 from 5 and 4: any value from 2 to below 9 decides alike.
_SURE: Final = 5.0
#: How many places apart two calls may be to be tried with each other's tunnel.
_NEIGHBOURS: Final = 4
#: Requests that end within this may be taken in any order (seen: 0.2 ms).
_TURN: Final = MS // 2
#: Other calls that are moved at most to find one a tunnel out of order.
_MOVES: Final = 3
#: What is looked at at most to find one call a tunnel out of order.
_SEARCHED: Final = 256
#: From so many tunnels on, the usual growth of sizes is learned from all pairs before any tunnel
#: is assigned; fewer cannot give the votes that `evidence` requires.
_MANY: Final = 8
#: So many tunnels for each call say that many calls are tried again.
_OFTEN: Final = 1.4
#: Calls of a cluster that vote with all their tunnels on how sizes grow, at most.
_SAMPLE: Final = 128
_ALONE: Final = float("inf")


class Explanation:
    """The assignment of tunnels to calls while it is being improved."""

    def __init__(
        self,
        calls: Sequence[CallRow],
        carriers: Sequence[Carrier],
        is_over: Callable[[CallRow], bool],
        learned: Learned,
        is_lossy: bool,
    ) -> None:
        self._calls, self._carriers = calls, carriers
        self._learned = learned
        most = _MISSING if is_lossy else _ALONE
        self._without = [min(NO_TUNNEL[call.voice], most) for call in self._calls]
        #: Whether answers end with their tunnels, as far as one can tell.
        self._ends_tell = True
        many = len(carriers) >= _MANY
        # Each tunnel and the calls of about its rank, before anything better is known.
        voted = many and learned.vote(by_rank(calls, carriers, REACH))
        are_tried_again = _OFTEN * len(calls) < len(carriers)
        if many and (are_tried_again or not learned.knows_requests):
            voted |= learned.vote(
                sampled(calls, carriers, _SAMPLE), are_tried_again=are_tried_again
            )
        order = self._align(is_over)
        if many and not voted and learned.vote(self._looked_at(order.pairs)):
            order = self._align(is_over)
        if many and self._ends_mislead(order):
            self._ends_tell = False
            order = self._align(is_over)
        self._pairs: Pairs = order.pairs
        self._in_order = order.carrier_of
        self._margins = order.margins()
        self._carrier_of = dict(order.carrier_of)
        self._call_of = {carrier: call for call, carrier in order.carrier_of.items()}
        self._retries = Retries(
            self._calls, self._carriers, learned, self._carrier_of, self._call_of, self._price
        )

    @property
    def earlier(self) -> Mapping[int, list[int]]:
        """For each call that was tried again the tunnels of its earlier attempts."""
        return self._retries.earlier

    def _align(self, is_over: Callable[[CallRow], bool]) -> Order:
        return align(
            self._calls,
            self._carriers,
            self._first,
            self._without,
            NOBODYS,
            is_over,
            self._is_of_other_size,
        )

    def _is_of_other_size(self, call: int, carrier: int) -> bool:
        """Whether the sizes of both, which no lost packet changes, say that they are strangers."""
        return self._learned.is_stranger(self._calls[call], self._carriers[carrier])

    def _ends_mislead(self, order: Order) -> bool:
        """Whether the ends of many pairs are far apart even in the explanation that suits them.

        Then tunnels end when they like here, and a few that end with another call's answer say
        nothing: order alone decides.
        """
        looked_at = far = 0
        for number, carrier in order.carrier_of.items():
            call, row = self._calls[number], self._carriers[carrier]
            between = lag(call, row)
            is_attempt = attempt_cost(call, row, self._learned) is not None
            if call.whole and between != UNKNOWN and not is_attempt:
                looked_at += 1
                far += between > ENDS_TOGETHER + patience(order.pairs.crowds[carrier])
        return looked_at >= _MANY and far > looked_at // 4

    def _is_of_its_size(self, call: int, carrier: int) -> bool:
        """Whether the request grew into the tunnel as its kind does."""
        return self._learned.grew_as_usual(self._calls[call], self._carriers[carrier])

    def _looked_at(self, pairs: Pairs) -> Iterator[tuple[CallRow, Carrier]]:
        for carrier, row in enumerate(self._carriers):
            for place in pairs.of(carrier):
                yield self._calls[pairs.calls[place]], row

    def links(self) -> dict[int, Link]:
        """Improve the assignment until nothing explains more, and return its links."""
        self._retries.move_on()
        self._place_the_rest()
        self._exchange()
        self._retries.find_earlier()
        margins = self._all_margins()
        opened = [carrier.opened for carrier in self._carriers]
        found = {}
        for call, carrier in self._carrier_of.items():
            crowd = self._pairs.crowds[carrier]
            choice = len(opened_while_waiting(self._calls[call], opened))
            found[call] = Link(
                call, carrier, margins[call], crowd, choice, self._is_told_by_size(call)
            )
        mark_queued(found.values(), self._calls, self._carriers)
        return found

    def _is_told_by_size(self, call: int) -> bool:
        """Whether the size of a request tells it from all others that its tunnel may be of."""
        mine = self._calls[call]
        carrier = self._carrier_of[call]
        its = self._carriers[carrier]
        fits = self._learned.grew_as_usual
        if not fits(mine, its) or self._is_over_before(mine, carrier):
            return False
        calls = self._calls[max(0, call - REACH) : call + REACH + 1]
        near = range(max(0, carrier - REACH), min(carrier + REACH + 1, len(self._carriers)))
        earlier = self.earlier.get(call, ())
        return not (
            any(fits(other, its) for other in calls if other is not mine)
            or any(
                fits(mine, self._carriers[at]) for at in near if at != carrier and at not in earlier
            )
        )

    def _is_over_before(self, call: CallRow, carrier: int) -> bool:
        """Whether the tunnel was over before the answer began: an attempt that did not bring it."""
        over = self._carriers[carrier].over
        if over == UNKNOWN or call.answered == UNKNOWN:
            return False
        return over + ENDS_TOGETHER + patience(self._pairs.crowds[carrier]) < call.answered

    def _first(self, call: int, carrier: int, crowd: int) -> float | None:
        """Return the price of the tunnel as the first one opened for the call; None if excluded."""
        price = self._price(call, carrier, crowd)
        if price is None or price <= AGAIN:
            return price  # no attempt costs less
        attempt = attempt_cost(self._calls[call], self._carriers[carrier], self._learned)
        return price if attempt is None else min(price, attempt)

    def _price(self, call: int, carrier: int, crowd: int = 0) -> float | None:
        """Return the price of a pair; None if it is excluded."""
        one, other = self._calls[call], self._carriers[carrier]
        if not may_answer(one, other):
            return None
        busy = self._carriers[carrier - 1].opened if carrier else UNKNOWN
        patient = ENDLESS
        if self._ends_tell:
            patient = patience(crowd or self._pairs.crowds[carrier])
        return cost(one, other, self._learned, busy, patient)

    def _give(self, call: int, carrier: int) -> None:
        self._carrier_of[call] = carrier
        self._call_of[carrier] = call

    # -- what the order leaves ---------------------------------------------------

    def _place_the_rest(self) -> None:
        """Assign a tunnel to each call that must have had one, moving other calls if necessary.

        An augmenting path of bipartite matching for each of them, cheap and short ones first.
        """
        if len(self._call_of) == len(self._carriers):
            return
        rest = [
            call
            for call, price in enumerate(self._without)
            if call not in self._carrier_of and price > NOBODYS + _SURE
        ]
        if not rest:
            return
        choices = self._choices()
        for call in rest:
            self._place(call, choices)

    def _choices(self) -> dict[int, list[tuple[float, int]]]:
        """Return each call's possible tunnels, the cheapest first."""
        found: dict[int, list[tuple[float, int]]] = {}
        pairs = self._pairs
        for carrier in range(len(pairs)):
            for place in pairs.of(carrier):
                price = self._price(pairs.calls[place], carrier)
                if price is not None:
                    found.setdefault(pairs.calls[place], []).append((price, carrier))
        for tunnels in found.values():
            tunnels.sort()
        return found

    def _place(self, call: int, choices: dict[int, list[tuple[float, int]]]) -> None:
        """Make the cheapest few moves that end at a free tunnel, if the result explains more."""
        came_from: dict[int, int] = {}
        coming: list[tuple[float, int, int]] = [(0.0, 0, call)]
        while coming and len(came_from) < _SEARCHED:
            so_far, moves, mover = heappop(coming)
            for price, carrier in choices.get(mover, ()):
                cost = so_far + price
                if carrier in came_from or cost > self._without[call] + NOBODYS:
                    continue
                came_from[carrier] = mover
                owner = self._call_of.get(carrier)
                if owner is None:
                    self._move_along(carrier, came_from)
                    return
                if moves < _MOVES:
                    now = self._price(owner, carrier)
                    heappush(coming, (cost - (now or 0.0), moves + 1, owner))

    def _move_along(self, carrier: int, came_from: Mapping[int, int]) -> None:
        """Move every call on the path to the tunnel that the path assigns to it."""
        while True:
            mover = came_from[carrier]
            left = self._carrier_of.get(mover)
            self._give(mover, carrier)
            if left is None:
                return
            carrier = left

    # -- neighbours --------------------------------------------------------------

    def _exchange(self) -> None:
        """Exchange neighbours' tunnels where that explains more."""
        linked = sorted(self._carrier_of)
        for _ in range(3):
            changed = False
            for at, first in enumerate(linked):
                for second in linked[at + 1 : at + 1 + _NEIGHBOURS]:
                    if self._exchanged(first, second) < 0:
                        left, right = self._carrier_of[first], self._carrier_of[second]
                        self._give(first, right)
                        self._give(second, left)
                        changed = True
            if not changed:
                return

    def _exchanged(self, first: int, second: int) -> float:
        """Return how much more (or less) it costs if two calls exchange their tunnels.

        A call's next attempt is out of its turn: what came before it says whose it is.
        """
        if first in self.earlier or second in self.earlier:
            return _ALONE
        left, right = self._carrier_of[first], self._carrier_of[second]
        calls, carriers = self._calls, self._carriers
        if not (
            may_belong(calls[first], carriers[right]) and may_belong(calls[second], carriers[left])
        ):
            return _ALONE
        crossed, crossed2 = self._price(first, right), self._price(second, left)
        now, now2 = self._price(first, left), self._price(second, right)
        if crossed is None or crossed2 is None or now is None or now2 is None:
            return _ALONE
        return (
            crossed
            + crossed2
            - now
            - now2
            + self._mismatch(first, right, second, left)
            - self._mismatch(first, left, second, right)
        )

    def _taken(self, call: int, other: int) -> float:
        """Return how much more it costs at least that the call had the tunnel of one in its turn.

        Whichever tunnel the other had then: several may have changed places in a ring.
        """
        calls, mine, others = self._calls, self._carrier_of[call], self._carrier_of[other]
        if apart(calls[min(call, other)], calls[max(call, other)]) > _TURN:
            return _ALONE
        if not may_belong(calls[call], self._carriers[others]):
            return _ALONE
        price, now = self._price(call, others), self._price(call, mine)
        return _ALONE if price is None or now is None else price - now

    def _mismatch(self, one: int, ones: int, other: int, others: int) -> float:
        """Return the penalty for keeping both pairs.

        They are out of order, or similar calls grew by different amounts on the way.
        """
        calls, carriers = self._calls, self._carriers
        return self._disorder(one, ones, other, others) + unlike_growth(
            (calls[one], carriers[ones]), (calls[other], carriers[others])
        )

    def _disorder(self, one: int, ones: int, other: int, others: int) -> float:
        if (one < other) == (ones < others):
            return 0.0
        first, second = sorted((one, other))
        return disorder(self._calls[first], self._calls[second])

    # -- how sure ----------------------------------------------------------------

    def _all_margins(self) -> dict[int, float]:
        """Return, for each link, how much more the cheapest explanation without it costs."""
        margins = {
            call: self._margins.get(call, _ALONE) if self._in_order.get(call) == carrier else _ALONE
            for call, carrier in self._carrier_of.items()
        }
        linked = sorted(self._carrier_of)
        for at, first in enumerate(linked):
            for second in linked[at + 1 : at + 1 + _NEIGHBOURS]:
                dearer = self._exchanged(first, second)
                margins[first] = min(margins[first], dearer, self._taken(first, second))
                margins[second] = min(margins[second], dearer, self._taken(second, first))
        pairs = self._pairs
        for carrier in range(len(pairs)):
            owner = self._call_of.get(carrier)
            for place in pairs.of(carrier):
                call, price = pairs.calls[place], pairs.prices[place]
                mine = self._carrier_of.get(call)
                if owner is None:
                    # A tunnel that is nobody's would do as well, but for its own earlier attempts.
                    if mine is not None and carrier not in self.earlier.get(call, ()):
                        now = self._price(call, mine)
                        margins[call] = min(margins[call], price - (now or 0.0))
                elif mine is None:  # a call that has none may have had this one
                    now = self._price(owner, carrier)
                    dearer = price - self._without[call] + self._without[owner] - (now or 0.0)
                    margins[owner] = min(margins[owner], dearer)
        return margins
