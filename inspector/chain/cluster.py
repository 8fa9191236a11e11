"""A cluster: calls and tunnels that must be told apart together.

Tunnels are first given to calls in order, since the API proxy opens them in
the order in which requests became whole; then two neighbours are exchanged
where times and sizes say so, for requests that end within the same turn of its
event loop are taken in either order (seen 0.2 ms apart).  A call that must have had
a tunnel and is left without one by that order gets one out of order.  How much worse
the next best explanation is, is the margin of a link.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from inspector.chain.evidence import MS, Learned, cost, may_answer, unlike_growth
from inspector.chain.rows import UNKNOWN, Call, Carrier

#: A tunnel that is nobody's: a call's earlier attempt, or the API proxy's own.
NOBODYS: Final = 3.0
#: A call whose answer was passed on must have had a tunnel.
NO_TUNNEL: Final[dict[str, float]] = {
    "relayed": 12.0,
    "upgrade": 12.0,
    "forward-proxy": 12.0,
    "api-proxy": 2.0,
    "none": 4.0,
}
#: `NO_TUNNEL` from here above `NOBODYS` on: there was one.
_SURE: Final = 5.0
#: Two pairs in the wrong order cost this at most, and 1 for each 2 ms.
_ORDER_CAP: Final = 3.0
_ORDER_SCALE: Final = 2 * MS
#: Neighbours that are tried in each other's place.
_REACH: Final = 4

_ALONE: Final = float("inf")


@dataclass(slots=True)
class Link:
    """A tunnel given to a call; `margin` is what the next best explanation costs more."""

    call: int
    carrier: int
    margin: float


@dataclass(slots=True)
class Cluster:
    """Calls and tunnels, each in order, and which tunnel may belong to which calls."""

    calls: list[Call] = field(default_factory=list)
    carriers: list[Carrier] = field(default_factory=list)
    #: For each tunnel the calls that were waiting when it was opened.
    waiting: list[list[int]] = field(default_factory=list)

    def resolve(self, learned: Learned) -> dict[int, Link]:
        """The best explanation: for each call that has one its tunnel, by their indexes."""
        costs = self._costs(learned)
        pairs = self._in_order(costs)
        self._place_the_rest(pairs, costs)
        self._exchange(pairs, costs)
        return {
            call: Link(call, carrier, self._margin(call, carrier, pairs, costs))
            for call, carrier in pairs.items()
        }

    def _costs(self, learned: Learned) -> list[dict[int, float]]:
        return [
            {
                index: cost(self.calls[index], carrier, learned)
                for index in waiting
                if may_answer(self.calls[index], carrier)
            }
            for carrier, waiting in zip(self.carriers, self.waiting, strict=True)
        ]

    def _in_order(self, costs: list[dict[int, float]]) -> dict[int, int]:
        """The cheapest way to give tunnels to calls without leaving the order.

        `best[i]` is the cheapest way in which the last call that has a tunnel is
        number `i - 1`; calls passed over cost what `NO_TUNNEL` says.
        """
        count = len(self.calls)
        passed = [0.0, *accumulate(NO_TUNNEL[call.voice] for call in self.calls)]
        best = [0.0] + [_ALONE] * count
        chosen: list[dict[int, int]] = []
        for row in costs:
            reduced = [
                (value - passed[index], index) if value < _ALONE else (_ALONE, index)
                for index, value in enumerate(best)
            ]
            cheapest = list(accumulate(reduced, min))
            best = [value + NOBODYS for value in best]
            came_from: dict[int, int] = {}
            for call, price in row.items():
                before, index = cheapest[call]
                value = before + passed[call] + price
                if value < best[call + 1]:
                    best[call + 1] = value
                    came_from[call + 1] = index
            chosen.append(came_from)
        at = min(range(count + 1), key=lambda i: best[i] + passed[count] - passed[i])
        pairs: dict[int, int] = {}
        for carrier in range(len(costs) - 1, -1, -1):
            previous = chosen[carrier].get(at)
            if previous is not None:
                pairs[at - 1] = carrier
                at = previous
        return pairs

    def _place_the_rest(self, pairs: dict[int, int], costs: list[dict[int, float]]) -> None:
        """Give calls whose answers were passed on a tunnel, if need be by moving others.

        Augmenting paths of bipartite matching (Kuhn), cheapest tunnels first.
        """
        free = set(range(len(costs))) - set(pairs.values())
        without = [
            index
            for index, call in enumerate(self.calls)
            if index not in pairs and NO_TUNNEL[call.voice] > NOBODYS + _SURE
        ]
        if not (free and without):
            return
        choices: dict[int, list[int]] = {}
        for carrier, row in enumerate(costs):
            for call in row:
                choices.setdefault(call, []).append(carrier)
        owner = {carrier: call for call, carrier in pairs.items()}

        def place(call: int, tried: set[int]) -> bool:
            for carrier in sorted(choices.get(call, ()), key=lambda one: costs[one][call]):
                if carrier in tried:
                    continue
                tried.add(carrier)
                if carrier not in owner or place(owner[carrier], tried):
                    owner[carrier] = call
                    pairs[call] = carrier
                    return True
            return False

        for call in without:
            place(call, set())

    def _exchange(self, pairs: dict[int, int], costs: list[dict[int, float]]) -> None:
        """Exchange neighbours' tunnels where that explains more."""
        for _ in range(3):
            changed = False
            linked = sorted(pairs)
            for at, first in enumerate(linked):
                for second in linked[at + 1 : at + 1 + _REACH]:
                    if self._exchanged(first, second, pairs, costs) < 0:
                        pairs[first], pairs[second] = pairs[second], pairs[first]
                        changed = True
            if not changed:
                return

    def _exchanged(
        self, first: int, second: int, pairs: dict[int, int], costs: list[dict[int, float]]
    ) -> float:
        """What it costs more (or less) to give two calls each other's tunnels."""
        left, right = pairs[first], pairs[second]
        if first not in costs[right] or second not in costs[left]:
            return _ALONE
        now = costs[left][first] + costs[right][second]
        then = costs[right][first] + costs[left][second]
        return (
            then
            - now
            + self._mismatch(first, right, second, left)
            - self._mismatch(first, left, second, right)
        )

    def _mismatch(self, one: int, ones: int, other: int, others: int) -> float:
        """What speaks against two pairs together: their order, and that alike grew unlike."""
        calls, carriers = self.calls, self.carriers
        return self._disorder(one, ones, other, others) + unlike_growth(
            (calls[one], carriers[ones]), (calls[other], carriers[others])
        )

    def _disorder(self, one: int, ones: int, other: int, others: int) -> float:
        calls, carriers = self.calls, self.carriers
        asked = calls[one].sent - calls[other].sent
        opened = carriers[ones].opened - carriers[others].opened
        if asked * opened >= 0:
            return 0.0
        return min(min(abs(asked), abs(opened)) / _ORDER_SCALE, _ORDER_CAP)

    def _margin(
        self, call: int, carrier: int, pairs: dict[int, int], costs: list[dict[int, float]]
    ) -> float:
        """How much dearer the cheapest explanation is in which the two do not belong together."""
        now = costs[carrier][call]
        margin = _ALONE
        owner = {taken: by for by, taken in pairs.items()}
        for other, row in enumerate(costs):
            if other == carrier or call not in row:
                continue
            if other in owner:
                margin = min(margin, self._exchanged(call, owner[other], pairs, costs))
                # The other call may have had none.
                instead = row[call] + NOBODYS + NO_TUNNEL[self.calls[owner[other]].voice]
                margin = min(margin, instead - now)
            else:
                margin = min(margin, row[call] - now)
        for rival, price in costs[carrier].items():
            if rival != call and rival not in pairs:
                instead = price - NO_TUNNEL[self.calls[rival].voice]
                margin = min(margin, instead + NO_TUNNEL[self.calls[call].voice] - now)
            elif rival != call:
                # The tunnel is the rival's, whose own is nobody's, and this call had none.
                instead = price - costs[pairs[rival]][rival] + NOBODYS
                margin = min(margin, instead + NO_TUNNEL[self.calls[call].voice] - now)
        return margin

    def attempts(self, links: dict[int, Link]) -> dict[int, list[int]]:
        """Tunnels opened for a call before the one that carried its answer.

        An attempt was over when the next tunnel was opened; where several
        calls could have made it, it is nobody's.
        """
        taken = {link.carrier for link in links.values()}
        found: dict[int, list[int]] = {}
        for index, carrier in enumerate(self.carriers):
            if index in taken:
                continue
            over = carrier.over if carrier.over != UNKNOWN else carrier.opened
            makers = [
                call
                for call in self.waiting[index]
                if call in links
                and carrier.opened < self.carriers[links[call].carrier].opened
                and over <= self.carriers[links[call].carrier].opened + MS
                and carrier.authority == self.carriers[links[call].carrier].authority
            ]
            if len(makers) == 1:
                found.setdefault(makers[0], []).append(index)
        return found
