"""One pass through time: which tunnel may belong to which calls, cluster by cluster.

Calls that wait at the same time form a cluster together with the tunnels that
are opened meanwhile.  It is handed on once nobody in it waits any more, so no
more than a cluster is looked at at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from inspector.archive import View
from inspector.chain.cluster import Cluster
from inspector.chain.evidence import JITTER, may_belong
from inspector.chain.rows import UNKNOWN, Call, Carrier

#: A cluster is handed on with this many calls or tunnels even if some still wait.
LIMIT: Final = 256


def begun(call: Call) -> int:
    """From when on a tunnel may be opened for a call; -1 if its request was not seen."""
    return call.sent if call.sent != UNKNOWN else call.asked


def clusters(calls: Sequence[Call], carriers: Sequence[Carrier]) -> Iterator[Cluster]:
    """The clusters of a capture; `carriers` are in the order of their SYNs.

    A call that was waiting when a full cluster was handed on is in the next one
    as well: the caller takes the first cluster that gives it a tunnel.
    """
    ordered = _in_order(calls)
    cluster = Cluster()
    coming = 0
    for carrier in carriers:
        # Jitter: a SYN may bear an earlier time than the request's last packet.
        horizon = carrier.opened + JITTER
        while coming < len(ordered) and begun(ordered[coming]) <= horizon:
            call = ordered[coming]
            if cluster.calls and not _anyone_waits(cluster, begun(call)):
                yield cluster
                cluster = Cluster()
            cluster.calls.append(call)
            coming += 1
        full = len(cluster.calls) >= LIMIT or len(cluster.carriers) >= LIMIT
        if cluster.calls and (full or not _anyone_waits(cluster, carrier.opened)):
            yield cluster
            cluster = Cluster(
                [call for call in cluster.calls if _waits(call, carrier.opened)][-LIMIT // 2 :]
            )
        waiting = [i for i, call in enumerate(cluster.calls) if may_belong(call, carrier)]
        if waiting:
            cluster.carriers.append(carrier)
            cluster.waiting.append(waiting)
    if cluster.calls:
        yield cluster
    for place in range(coming, len(ordered)):
        yield Cluster([ordered[place]])


def _in_order(calls: Sequence[Call]) -> Sequence[Call]:
    """The calls of which it is known when a tunnel may be opened for them, by that time."""
    times = [begun(call) for call in calls]
    known = (place for place, time in enumerate(times) if time != UNKNOWN)
    return View(calls, array("L", sorted(known, key=times.__getitem__)), lambda call: call)


def _waits(call: Call, at: int) -> bool:
    return call.until == UNKNOWN or call.until + JITTER >= at


def _anyone_waits(cluster: Cluster, at: int) -> bool:
    return any(_waits(call, at) for call in cluster.calls)
