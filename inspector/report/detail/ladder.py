"""What happened on the way of a call, in the order of time: the rungs of its ladder diagram.

agent, API proxy, Squid and the API stand beside each other; each step goes from one of them to a
neighbour.  Inside a tunnel only what was read there is a step of the API's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from inspector.model.http import Exchange
from inspector.model.network import BY_CLIENT, ClosedBy, Connection, Endpoint, Tunnel, opens_tunnel
from inspector.model.report import Report
from inspector.report.detail.facts import Lane, Step, StepKind
from inspector.report.roles import KnownRoles

_NS: Final = 1_000_000_000
_OUTCOMES: Final = {
    "refused": "the connection is refused",
    "unanswered": "nobody answers the connection attempt",
    "unreachable": "the host cannot be reached",
}
#: How an exchange ended, where that is no fault of its own.
_IN_ORDER: Final = frozenset({"complete", "capture-end", "gap"})
_RESETS: Final[frozenset[ClosedBy]] = frozenset({"reset-by-client", "reset-by-server"})


class Ladder:
    """Makes the steps of what a report holds."""

    def __init__(self, report: Report) -> None:
        self._roles = KnownRoles(report.topology)

    def steps(
        self,
        exchanges: Sequence[Exchange],
        tunnels: Iterable[Tunnel],
        connections: Iterable[Connection],
    ) -> tuple[Step, ...]:
        """The steps of these, by time; of equal times in the order in which they are made."""
        found = [
            *(step for each in connections for step in self._of_connection(each, exchanges)),
            *(step for each in tunnels for step in self._of_tunnel(each)),
            *(step for each in exchanges for step in self._of_exchange(each)),
        ]
        return tuple(sorted(found, key=lambda step: (step.at, _RANK[step.kind])))

    def _of_connection(
        self, connection: Connection, exchanges: Sequence[Exchange]
    ) -> Iterator[Step]:
        client, server = self._ends(connection.client, connection.server)
        failed = _OUTCOMES.get(connection.outcome)
        what = failed or f"TCP to port {connection.server.port}"
        yield Step(connection.opened_at, client, server, "open", what, failed is not None,
                   connection=connection.id, packet=connection.packet)  # fmt: skip
        closed_by = connection.closed_by
        if connection.closed_at is None or closed_by is None or failed is not None:
            return
        left_open = [
            each
            for each in exchanges
            if each.connection == connection.id and each.ended_by not in _IN_ORDER
        ]
        by_client = closed_by in BY_CLIENT
        said = "resets the connection" if closed_by in _RESETS else "closes the connection"
        if left_open:
            answered = any(each.response is not None for each in left_open)
            said += " before the answer is whole" if answered else " before any answer"
        source, target = (client, server) if by_client else (server, client)
        yield Step(connection.closed_at, source, target, "close", said, bool(left_open),
                   connection=connection.id, packet=connection.closed_packet)  # fmt: skip

    def _of_tunnel(self, tunnel: Tunnel) -> Iterator[Step]:
        client, proxy = self._ends(tunnel.client, tunnel.proxy)

        def step(at: int, source: Lane, target: Lane, kind: StepKind, said: str,
                 broken: bool = False, packet: int | None = None) -> Step:  # fmt: skip
            return Step(at, source, target, kind, said, broken, tunnel=tunnel.id,
                        connection=tunnel.connection, packet=packet)  # fmt: skip

        if tunnel.authority is not None:
            asked = f"CONNECT {tunnel.authority}"
            yield step(tunnel.opened_at, client, proxy, "connect", asked, packet=tunnel.packet)
        status, latency = tunnel.connect_status, tunnel.reply_latency
        if status is not None and latency is not None:
            opened = opens_tunnel(status)
            said = f"{status}: tunnel opened" if opened else f"{status} {tunnel.proxy_error or ''}"
            at = tunnel.opened_at + round(latency * _NS)
            yield step(at, proxy, client, "connect-reply", said.rstrip(), not opened)
        if tunnel.first_data_at is not None:
            tls = tunnel.tls
            first = "the first byte through the tunnel"
            if tls is not None:
                first = f"TLS for {tls.sni or 'no name'}: the first encrypted data"
            yield step(tunnel.first_data_at, client, "upstream", "tunnel-first-byte", first)
        if tunnel.last_down_at is not None:
            tls = tunnel.tls
            failed = tls is not None and tls.handshake == "failed"
            said = "the last byte through the tunnel"
            if tls is not None and tls.alerts:
                said += f": {', '.join(tls.alerts)}"
            yield step(tunnel.last_down_at, "upstream", client, "tunnel-last-byte", said, failed)

    def _of_exchange(self, exchange: Exchange) -> Iterator[Step]:
        client, server = self._ends(exchange.client, exchange.server)
        if exchange.tunnel is not None:
            server = "upstream"

        def step(at: int, up: bool, kind: StepKind, said: str, broken: bool = False,
                 packet: int | None = None) -> Step:  # fmt: skip
            source, target = (client, server) if up else (server, client)
            return Step(at, source, target, kind, said, broken, exchange=exchange.id,
                        tunnel=exchange.tunnel, connection=exchange.connection,
                        packet=packet)  # fmt: skip

        request, response, socket = exchange.request, exchange.response, exchange.websocket
        if request is not None:
            asked = f"{request.method} {request.target}"
            yield step(request.started_at, True, "request", asked, packet=request.packet)
            if request.ended_at is not None:
                yield step(request.ended_at, True, "request-end", "the request is whole")
        if response is not None:
            said = f"{response.status} {response.reason}".rstrip()
            broken = response.status >= 400
            yield step(response.started_at, False, "response", said, broken, response.packet)
            if response.ended_at is not None and response.complete:
                yield step(response.ended_at, False, "response-end", "the answer is whole")
            elif response.ended_at is not None:
                cut = exchange.ended_by not in _IN_ORDER
                last = "the answer is cut short here" if cut else "the last byte that was captured"
                yield step(response.ended_at, False, "response-end", last, cut)
        if socket is not None:
            for at, up in ((socket.last_up_at, True), (socket.last_down_at, False)):
                if at is not None:
                    yield step(at, up, "message", "the last WebSocket message")

    def _ends(self, client: Endpoint, server: Endpoint) -> tuple[Lane, Lane]:
        return self._lane(client.ip, "client"), self._lane(server.ip, "upstream")

    def _lane(self, ip: str, otherwise: Lane) -> Lane:
        role = self._roles.of(ip)
        return role if role in ("api-proxy", "forward-proxy") else otherwise


#: What comes first of what one packet shows.
_ORDER: Final[tuple[StepKind, ...]] = (
    "open", "connect", "connect-reply", "tunnel-first-byte", "request", "request-end", "response",
    "response-end", "tunnel-last-byte", "message", "close",
)  # fmt: skip
_RANK: Final = {kind: rank for rank, kind in enumerate(_ORDER)}
