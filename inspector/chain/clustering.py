"""Group calls and tunnels that can be confused with each other, in one pass through time.

Calls that wait at the same time form a cluster with the tunnels that are opened meanwhile.  A
cluster is yielded as soon as none of its calls is waiting, so only one cluster is in memory at
a time.  Each API proxy has its own clusters.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from inspector.chain.evidence import JITTER
from inspector.chain.matching import Cluster
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.turn import Waiting
from inspector.packed import Reordered

#: The most calls that may wait for tunnels at one API proxy at one time.  The oldest are joined;
#: calls beyond the limit are not, and `limits_hit` reports "calls waiting at once".  It bounds
#: memory and time (a cluster of n calls is priced in n * 2 * REACH pairs); no result depends on
#: it in a capture with fewer calls at once.
LIMIT: Final = 8192
#: Its name in `completeness.limits_hit`.
CROWDED: Final = "calls waiting at once"


def clusters(calls: Sequence[CallRow], carriers: Sequence[Carrier]) -> Iterator[Cluster]:
    """Yield the clusters of a capture; `carriers` are in the order of their SYNs.

    The caller must resolve a cluster before it asks for the next one: a call that got no tunnel
    in a full cluster and is still waiting moves to the next cluster.
    """
    if not carriers:
        return
    times = array("q")

    def services() -> Iterator[str | None]:
        for call in calls:  # one look at each: they are packed
            times.append(call.begun)
            yield call.service[0] if call.begun != UNKNOWN else None

    asked = _by_proxy(services())
    for proxy, opened in _by_proxy(carrier.proxy for carrier in carriers).items():
        ordered = array("L", sorted(asked.get(proxy, ()), key=times.__getitem__))
        yield from _clusters(Reordered(calls, ordered), Reordered(carriers, opened))


def _by_proxy(proxies: Iterable[str | None]) -> dict[str | None, array[int]]:
    """Return the row numbers of each API proxy; those of unseen requests are under None."""
    found: dict[str | None, array[int]] = {}
    for place, proxy in enumerate(proxies):
        found.setdefault(proxy, array("L")).append(place)
    return found


def _clusters(calls: Sequence[CallRow], carriers: Sequence[Carrier]) -> Iterator[Cluster]:
    cluster, waiting = Cluster(), Waiting()
    coming = iter(calls)
    following = next(coming, None)
    for carrier in carriers:
        # Jitter: a SYN may bear an earlier time than the request's last packet.
        while following is not None and following.begun <= carrier.opened + JITTER:
            call, following = following, next(coming, None)
            waiting.forget(call.begun)
            if cluster.calls and not waiting:
                yield cluster
                cluster, waiting = Cluster(), Waiting()
            elif len(cluster.calls) >= LIMIT and _is_worth_it(cluster, waiting):
                cluster.cut = call.begun
                yield cluster
                cluster, waiting = _left(cluster)
            if len(cluster.calls) >= LIMIT:
                cluster.turned_away.append(call.position)
                continue
            waiting.add(len(cluster.calls), call)
            cluster.calls.append(call)
        waiting.forget(carrier.opened)
        if cluster.calls and not waiting:
            yield cluster
            cluster, waiting = Cluster(), Waiting()
        elif len(cluster.carriers) >= LIMIT:
            cluster.cut = carrier.opened
            yield cluster
            cluster, waiting = _left(cluster)
        if waiting:
            cluster.carriers.append(carrier)
    if cluster.calls:
        yield cluster


def _is_worth_it(cluster: Cluster, waiting: Waiting) -> bool:
    """Whether yielding a full cluster now makes room for at least a quarter of another."""
    return len(cluster.carriers) >= LIMIT // 4 or len(waiting) <= LIMIT - LIMIT // 4


def _left(cluster: Cluster) -> tuple[Cluster, Waiting]:
    """Return a new cluster of the calls that have no tunnel after resolution and still wait."""
    after, waiting = Cluster(), Waiting()
    for place, call in enumerate(cluster.calls):
        if place not in cluster.links and not cluster.is_over(call):
            waiting.add(len(after.calls), call)
            after.calls.append(call)
    return after, waiting
