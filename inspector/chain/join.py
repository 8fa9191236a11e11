"""Chains: every call at the API proxy with the tunnel that was opened for it, if any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inspector.archive import Archive, View
from inspector.chain.evidence import Learned
from inspector.chain.rows import Call, Moments, calls, carriers
from inspector.chain.sweep import clusters
from inspector.chain.verdict import REASONS, RELIABLE, Scene, Statement, of_link, of_none
from inspector.conclusions import Chain
from inspector.facts import Completeness, Connection, Exchange, Topology, Tunnel
from inspector.packets import keeps_all


def join(
    exchanges: Sequence[Exchange],
    tunnels: Sequence[Tunnel],
    connections: Iterable[Connection],
    topology: Topology,
    completeness: Completeness,
) -> Sequence[Chain]:
    """The chains of a capture, in the order of its exchanges.

    Calls of others than the agent (health checks of the host) are weighed too,
    since the API proxy opens tunnels for them as well, but have no chain.
    """
    moments = Moments(connections, topology)
    asked = calls(exchanges, moments, topology)
    opened = carriers(tunnels, moments, topology)
    scene = Scene(_is_lossy(completeness, topology), moments.hop_seen, tuple(moments.in_vain))
    learned = Learned()
    found: dict[str, tuple[Statement, str, tuple[str, ...]]] = {}
    taken: set[str] = set()
    for cluster in clusters(asked, opened):
        links = cluster.resolve(learned)
        attempts = cluster.attempts(links)
        for index, link in links.items():
            call, carrier = cluster.calls[index], cluster.carriers[link.carrier]
            if call.id in found or carrier.id in taken:
                continue
            earlier = tuple(cluster.carriers[at].id for at in attempts.get(index, ()))
            statement = of_link(call, carrier, link, scene, bool(earlier))
            if statement.confidence >= RELIABLE:
                learned.learn(call, carrier)
            found[call.id] = (statement, carrier.id, earlier)
            taken.add(carrier.id)
    chains: Archive[Chain] = Archive()
    for call in asked:
        if call.is_agents:
            chains.append(_chain(len(chains) + 1, call, found.get(call.id), scene))
    return View(chains, range(len(chains)), lambda chain: chain)


def _chain(
    number: int,
    call: Call,
    linked: tuple[Statement, str, tuple[str, ...]] | None,
    scene: Scene,
) -> Chain:
    statement, tunnel, attempts = linked or (of_none(call, scene), None, ())
    return Chain(
        id=f"h{number}",
        agent_exchange=call.id,
        tunnel=tunnel,
        attempts=attempts,
        confidence=statement.confidence,
        reasons=tuple(REASONS[reason] for reason in statement.reasons),
        answered_by=statement.answered_by,
        status=None if call.status < 0 else call.status,
    )


def _is_lossy(completeness: Completeness, topology: Topology) -> bool:
    """Whether a call or a tunnel may be missing altogether, not only unfinished."""
    rule = completeness.capture_filter
    subnet = topology.subnet if topology.scope == "subnet" else None
    return bool(
        completeness.dropped_by_kernel
        or completeness.truncated_packets
        or completeness.gaps
        or completeness.midstream_connections
        or completeness.limits_hit
        or (rule is not None and not keeps_all(rule, subnet))
        or completeness.verdict == "unknown"
    )
