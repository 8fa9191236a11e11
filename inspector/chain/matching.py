"""A cluster of calls and tunnels, and its resolution: the tunnel of each call.

`_SEARCHED` bounds the time that one unattributed tunnel may take; it changes a result only where
more tunnels than that follow it to the same host.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Final

from inspector.chain.evidence import JITTER, MS, may_belong, opened_while_waiting
from inspector.chain.explanation import Explanation
from inspector.chain.link import Link
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.sizes import Learned
from inspector.fact import Changing, field

#: Tunnels behind an attempt that may be the one that followed it, looked at at most.
_SEARCHED: Final = 256


class Cluster(Changing):
    """Calls and tunnels of one API proxy, each in order.

    `cut` is when the cluster was handed on although some of its calls still waited; -1 if none
    did.  `turned_away` are the positions of calls for which there was no room.
    """

    calls: list[CallRow] = field(default_factory=list)
    carriers: list[Carrier] = field(default_factory=list)
    turned_away: array[int] = field(default_factory=lambda: array("L"))
    cut: int = UNKNOWN
    #: For each call that has one its tunnel, by their indexes, once resolved.
    links: dict[int, Link] = field(default_factory=dict)
    #: For each call that was tried again the tunnels of its earlier attempts, as far as known.
    earlier: dict[int, list[int]] = field(default_factory=dict)

    def is_over(self, call: CallRow) -> bool:
        """Whether the call can get no further tunnel."""
        return call.until != UNKNOWN and (self.cut == UNKNOWN or call.until + JITTER < self.cut)

    def resolve(self, learned: Learned, is_lossy: bool) -> dict[int, Link]:
        """Find the best explanation.  Returns the link of each call that has a tunnel, by index.

        `is_lossy`: packets are missing, so the capture may lack a call's tunnel altogether.
        """
        if self.carriers:
            explanation = Explanation(self.calls, self.carriers, self.is_over, learned, is_lossy)
            self.links = explanation.links()
            self.earlier = dict(explanation.earlier)
        return self.links

    def unjoined(self) -> dict[int, tuple[int, int]]:
        """For each call without a tunnel, count such calls and the free tunnels it may have had.

        A free tunnel belongs to no call; counted are those opened while the call waited.
        """
        if len(self.links) == len(self.calls):
            return {}
        taken = {link.carrier for link in self.links.values()}
        taken.update(index for earlier in self.attempts().values() for index in earlier)
        free = [carrier.opened for index, carrier in enumerate(self.carriers) if index not in taken]
        alone = [
            index
            for index, call in enumerate(self.calls)
            if index not in self.links and call.voice != "api-proxy"
        ]
        found = {}
        for index in alone if free else ():
            choice = opened_while_waiting(self.calls[index], free)
            if choice:
                found[index] = len(alone), len(choice)
        return found

    def attempts(self) -> dict[int, list[int]]:
        """Return the earlier tunnels of each call: attempts that did not bring its answer.

        An attempt must be over when the call's next tunnel is opened.  A tunnel that several
        calls could have opened is attributed to none of them.
        """
        taken = {link.carrier for link in self.links.values()}
        taken.update(index for earlier in self.earlier.values() for index in earlier)
        found = {call: list(earlier) for call, earlier in self.earlier.items()}
        if len(taken) == len(self.carriers):
            return {call: sorted(earlier) for call, earlier in found.items()}
        opened: dict[str | None, list[tuple[int, int]]] = {}
        for call, link in self.links.items():
            carrier = self.carriers[link.carrier]
            opened.setdefault(carrier.authority, []).append((carrier.opened, call))
        for moments in opened.values():
            moments.sort()
        for index, carrier in enumerate(self.carriers):
            if index in taken:
                continue
            over = carrier.over if carrier.over != UNKNOWN else carrier.opened
            moments = opened.get(carrier.authority, [])
            first = bisect_left(moments, (max(over - MS, carrier.opened + 1), -1))
            makers = [
                call
                for _, call in moments[first : first + _SEARCHED]
                if may_belong(self.calls[call], carrier)
            ]
            if len(makers) == 1:
                found.setdefault(makers[0], []).append(index)
        return {call: sorted(earlier) for call, earlier in found.items()}
