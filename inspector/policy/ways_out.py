"""The agents' own ways out that a report shows: through Squid, and past it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from inspector.diagnosis.outcome import answered_by
from inspector.exchanges.neighbourhood import DNS_PORT, Neighbourhood, asked_host, tunnel_hosts
from inspector.exchanges.topology import provider_of
from inspector.model.http import Exchange
from inspector.model.network import Connection
from inspector.model.providers import UNKNOWN, Provider, ProviderFacts
from inspector.report.page.view import View


@dataclass(frozen=True, slots=True)
class WayOut:
    """Something that an agent opened itself; `id` is the report's, `kind` says what it is.

    `past` the proxies, or through the forward proxy.  `hosts` are the names and addresses it
    leads to, `is_named` whether one of them is a name: an address alone may be anybody's.
    """

    id: str
    kind: str
    past: bool
    hosts: tuple[str, ...]

    @property
    def is_named(self) -> bool:
        return any(_is_name(host) for host in self.hosts)

    def providers(self, added: tuple[ProviderFacts, ...] = ()) -> frozenset[Provider]:
        """Those whose API it leads to, `added` ones among them."""
        return frozenset(provider_of(host, added) for host in self.hosts) - {UNKNOWN}


def ways_out(view: View) -> Iterator[WayOut]:
    """What was opened, not what was refused; nothing that stays on the bridge."""
    near = Neighbourhood(view.report.topology)
    agents = _agents(view)
    for tunnel in view.report.tunnels:
        if tunnel.client.ip in agents and tunnel.refusal is None:
            hosts = tunnel_hosts(tunnel)
            if not any(map(near.holds, hosts)):
                yield WayOut(tunnel.id, "a CONNECT of the agent's own", False, hosts)
    plain: dict[str, Exchange] = {}
    for call in view.page.calls:
        if call.client.ip not in agents or call.tunnel is not None:
            continue
        plain.setdefault(call.connection, call)
        host = asked_host(call)
        through = host and view.role(call.server.ip) == "forward-proxy" and not near.holds(host)
        if through and not _was_denied(call):
            yield WayOut(call.id, "a plain request of the agent's own", False, (host,))
    tls = {direct.connection: direct for direct in view.report.direct_tls}
    for connection in view.report.connections:
        if connection.client.ip not in agents or not _is_past(connection, near):
            continue
        ip = connection.server.ip
        if connection.id in tls:
            direct = tls[connection.id]
            hosts = (ip,) if direct.tls.sni is None else (ip, direct.tls.sni)
            yield WayOut(direct.id, "TLS around the proxies", True, hosts)
        elif connection.id in plain:
            call = plain[connection.id]
            asked = call.request.host if call.request is not None else None
            hosts = (ip,) if not asked else (ip, asked.rpartition(":")[0] or asked)
            yield WayOut(call.id, "plain HTTP around the proxies", True, hosts)
        elif connection.server.port != DNS_PORT:
            yield WayOut(connection.id, "TCP around the proxies", True, (ip,))


def _agents(view: View) -> frozenset[str]:
    """Who has the role of an agent, or made a call as one has."""
    callers = {call.client.ip for call in view.page.calls if view.at_api_proxy(call)}
    proxies = {*view.report.topology.api_proxy, *view.report.topology.forward_proxy}
    return frozenset((*view.report.topology.agent, *(callers - proxies)))


def _is_past(connection: Connection, near: Neighbourhood) -> bool:
    is_open = connection.outcome in ("established", "midstream")
    return is_open and not near.holds(connection.server.ip)


def _was_denied(call: Exchange) -> bool:
    response = call.response
    return (
        response is not None and response.status >= 400 and answered_by(response) == "forward-proxy"
    )


def _is_name(host: str) -> bool:
    return not (host[:1].isdigit() and host.replace(".", "").isdigit()) and ":" not in host
