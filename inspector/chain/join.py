"""Build the chains: each call at the API proxy with the tunnel that was opened for it, if any."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence

from inspector.chain.chains import Chains
from inspector.chain.clustering import CROWDED, clusters
from inspector.chain.reuse import free_turns, left_over, while_coming
from inspector.chain.rows import CallRow, Carrier, Moments, calls, carriers
from inspector.chain.sizes import Learned
from inspector.chain.verdict import How, Scene, Statement, of_link, of_none
from inspector.chain.way import Outward
from inspector.exchanges.turns import TunnelTurn
from inspector.model.capture import Completeness
from inspector.model.conclusions import RELIABLE, Chain
from inspector.model.http import Exchange
from inspector.model.ids import TunnelId, number_of, tunnel_id
from inspector.model.network import Connection, Tunnel
from inspector.model.topology import Topology
from inspector.packed import PackedList
from inspector.wire import keeps_all


def join(
    exchanges: Sequence[Exchange],
    tunnels: Sequence[Tunnel],
    connections: Sequence[Connection],
    topology: Topology,
    completeness: Completeness,
    limits_hit: dict[str, None] | None = None,
    turns: Mapping[int, Sequence[TunnelTurn]] | None = None,
    *,
    clock_set_back: bool = False,
) -> Sequence[Chain]:
    """Return the chains of a capture, in the order of its exchanges.

    Calls of other clients than the agent (such as health checks of the host) compete for tunnels,
    since the API proxy opens tunnels for them too, but get no chain.  If more calls wait at once
    than are joined, the name of that limit is added to `limits_hit`.  `turns` are of tunnels that
    may have carried more than one call, by the tunnel's number.  Where the capture's clock was set
    back, times on either side of that say little.
    """
    moments = Moments(connections, topology)
    opened = carriers(tunnels, moments, topology, turns)
    rows = calls(exchanges, moments, topology, sized=len(opened) > 0)
    is_lossy = _is_lossy(completeness, topology)
    scene = Scene(is_lossy or clock_set_back, moments.hop_seen, "lossy" if is_lossy else "clock")
    outward = Outward(connections, topology)
    learned = Learned()
    said = _Said(len(exchanges), len(tunnels) + sum(map(len, (turns or {}).values())))
    joined = _Joining(scene, learned, said, limits_hit)
    used: Sequence[Carrier] = ()
    asked: Iterable[CallRow] = rows
    if opened:  # else each call is looked at once, and its row is not kept
        asked = kept = PackedList(rows)
        joined.over(kept, opened)
        early, free = while_coming(kept, opened, said)
        if early:
            joined.over(early, free, how="early")
        if turns:
            used = free_turns(opened, turns, joined.ends, len(tunnels))
            joined.over(left_over(kept, said), used, how="reused")
    outward.settle(
        joined.connections,
        ((turn.proxy, turn.opened) for turn in used if not said.is_taken(turn)),
    )
    chains = Chains()
    for call in asked:
        if call.is_agents:
            linked = said.of(call)
            if linked is not None:
                chains.add(call.id, call.status, *linked)
                continue
            way, is_turned_away = outward.way(call), said.is_turned_away(call)
            statement = of_none(call, scene, way, is_turned_away, said.among(call))
            chains.add(call.id, call.status, statement)
    return chains


class _Joining:
    """Joins calls with carriers, cluster by cluster, and keeps what was said."""

    def __init__(
        self, scene: Scene, learned: Learned, said: _Said, limits_hit: dict[str, None] | None
    ) -> None:
        self._scene, self._learned, self._said = scene, learned, said
        self._limits_hit = limits_hit
        #: Connections that carried a call.
        self.connections: set[int] = set()
        #: When the answer ended that a tunnel carried first, by the tunnel's place.
        self.ends: dict[int, int] = {}

    def over(
        self, calls: Sequence[CallRow], carriers: Sequence[Carrier], *, how: How = "whole"
    ) -> None:
        """Join calls with tunnels that were opened for them, or (`reused`) with turns of them."""
        said, scene = self._said, self._scene
        for cluster in clusters(calls, carriers):
            links = cluster.resolve(self._learned, scene.lossy)
            if cluster.turned_away:
                said.turn_away(cluster.turned_away)
                if self._limits_hit is not None:
                    self._limits_hit[CROWDED] = None
            attempts_of = cluster.attempts()
            for index, link in links.items():
                call, carrier = cluster.calls[index], cluster.carriers[link.carrier]
                if said.has(call, carrier):
                    continue
                earlier = tuple(cluster.carriers[at] for at in attempts_of.get(index, ()))
                statement = of_link(call, carrier, link, scene, bool(earlier), how)
                if statement.confidence >= RELIABLE and how == "whole":
                    self._learned.learn(call, carrier)
                said.add(call, carrier, statement, tuple(tried.id for tried in earlier))
                self.connections.update(used.connection for used in (carrier, *earlier))
                self.ends.setdefault(carrier.position, call.done)
            if how == "whole":
                for index, among in cluster.unjoined().items():
                    said.leave(cluster.calls[index], among)


class _Said:
    """The statements made so far and the tunnels they took, by position.

    Equal statements are stored once.
    """

    def __init__(self, calls: int, tunnels: int) -> None:
        self._statements: list[Statement] = []
        self._numbers: dict[Statement, int] = {}
        #: For each call its statement's place, -1 for none, and the number in its tunnel's id.
        self._of = array("i", [-1]) * calls
        self._tunnel = array("i", [-1]) * calls
        self._attempts: dict[int, tuple[TunnelId, ...]] = {}
        self._taken = bytearray(tunnels)
        self._turned_away = bytearray()
        self._among: dict[int, tuple[int, int]] = {}

    def has(self, call: CallRow, carrier: Carrier) -> bool:
        """Whether the call has a statement already, or the tunnel belongs to another call."""
        return self._of[call.position] >= 0 or bool(self._taken[carrier.position])

    def __contains__(self, call: object) -> bool:
        """Whether the call has a statement."""
        return isinstance(call, CallRow) and self._of[call.position] >= 0

    def is_taken(self, carrier: Carrier) -> bool:
        """Whether it carried a call."""
        return bool(self._taken[carrier.position])

    def turn_away(self, positions: Iterable[int]) -> None:
        """Record that these calls were not joined because too many waited at once."""
        self._turned_away = self._turned_away or bytearray(len(self._of))
        for position in positions:
            self._turned_away[position] = True

    def is_turned_away(self, call: CallRow) -> bool:
        """Whether the call was not joined because too many waited at once."""
        return bool(self._turned_away and self._turned_away[call.position])

    def leave(self, call: CallRow, among: tuple[int, int]) -> None:
        """Record that the call got no tunnel, and how many calls and tunnels are left over."""
        self._among[call.position] = among

    def among(self, call: CallRow) -> tuple[int, int] | None:
        """Return how many calls and tunnels were left over; None where no tunnel was."""
        return self._among.get(call.position)

    def add(
        self, call: CallRow, carrier: Carrier, statement: Statement, attempts: tuple[TunnelId, ...]
    ) -> None:
        """Record that this tunnel carried this call."""
        number = self._numbers.setdefault(statement, len(self._statements))
        if number == len(self._statements):
            self._statements.append(statement)
        self._of[call.position] = number
        self._tunnel[call.position] = number_of(carrier.id)
        self._taken[carrier.position] = True
        if attempts:
            self._attempts[call.position] = attempts

    def of(self, call: CallRow) -> tuple[Statement, TunnelId, tuple[TunnelId, ...]] | None:
        """Return the statement about a call, its tunnel, and its earlier tunnels."""
        number = self._of[call.position]
        if number < 0:
            return None
        tunnel = tunnel_id(self._tunnel[call.position])
        return self._statements[number], tunnel, self._attempts.get(call.position, ())


def _is_lossy(completeness: Completeness, topology: Topology) -> bool:
    """Whether a call or a tunnel may be missing altogether, not only unfinished."""
    rule = completeness.capture_filter
    subnets = topology.networks if topology.scope == "subnet" else ()
    return bool(
        completeness.dropped_by_kernel
        or completeness.truncated_packets
        or completeness.gaps
        or completeness.midstream_connections
        or completeness.limits_hit
        or (rule is not None and not keeps_all(rule, subnets))
        or completeness.verdict == "unknown"
    )
