"""The ways out that a report shows, and who opened them: through Squid, and past it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.chain.answerer import answered_by
from inspector.exchanges.neighbourhood import DNS_PORT, Neighbourhood, asked_host, tunnel_hosts
from inspector.exchanges.topology import provider_of
from inspector.fact import Fact
from inspector.model.addresses import split_authority, split_target
from inspector.model.http import Exchange
from inspector.model.network import Connection, Tls
from inspector.model.providers import UNKNOWN, Provider, ProviderFacts
from inspector.policy.model import Opener
from inspector.report.page.view import View

#: The ports of the schemes of an absolute target (RFC 9110 4.2).


class WayOut(Fact):
    """Something that `opened_by` opened itself; `id` is the report's, `kind` says what it is.

    `past` the proxies, or through the forward proxy.  `hosts` are the names and addresses it
    leads to, `is_named` whether one of them is a name: an address alone may be anybody's.
    `port` is theirs, null where it is not known; `connection` carries it.  `tls` is what is
    known of a handshake in it, null without one; `plain` whether it is no TLS at all.
    """

    id: str
    kind: str
    past: bool
    hosts: tuple[str, ...]
    opened_by: Opener = "agent"
    port: int | None = None
    connection: str = ""
    tls: Tls | None = None
    plain: bool = False

    @property
    def is_named(self) -> bool:
        return any(_is_name(host) for host in self.hosts)

    def providers(self, added: tuple[ProviderFacts, ...] = ()) -> frozenset[Provider]:
        """Those whose API it leads to, `added` ones among them."""
        return frozenset(provider_of(host, added) for host in self.hosts) - {UNKNOWN}

    def authority(self) -> str:
        """Where it leads, for people."""
        name = next((host for host in self.hosts if _is_name(host)), None)
        name = name or next(iter(self.hosts), "an unknown host")
        return f"{name}:{self.port}" if self.port is not None else name


def ways_out(view: View) -> Iterator[WayOut]:
    """What was opened, not what was refused; nothing that stays on the bridge."""
    yield from _through(view)
    yield from _past(view)


def _through(view: View) -> Iterator[WayOut]:
    """CONNECTs and requests in absolute form, asked of the forward proxy."""
    near = Neighbourhood(view.report.topology)
    known = openers(view)
    for tunnel in view.report.tunnels:
        opener = known.get(tunnel.client.ip)
        if opener is None or tunnel.refusal is not None:
            continue
        hosts = tunnel_hosts(tunnel)
        if not any(map(near.holds, hosts)):
            kind = f"a CONNECT of the {_WHO[opener]} own"
            yield WayOut(
                tunnel.id, kind, False, hosts, opener, tunnel.port, tunnel.connection, tunnel.tls,
                tunnel.protocol in ("http/1.1", "h2"),
            )  # fmt: skip
    for call in view.page.calls:
        opener = known.get(call.client.ip)
        host = asked_host(call)
        if opener is None or call.tunnel is not None or not host or near.holds(host):
            continue
        if view.role(call.server.ip) == "forward-proxy" and not _was_denied(call):
            kind = f"a plain request of the {_WHO[opener]} own"
            yield WayOut(
                call.id, kind, False, (host,), opener, _asked_port(call), call.connection,
                plain=True,
            )  # fmt: skip


def _past(view: View) -> Iterator[WayOut]:
    """Connections to hosts that are not on the bridge."""
    near = Neighbourhood(view.report.topology)
    known = openers(view)
    plain: dict[str, Exchange] = {}
    for call in view.page.calls:
        if call.client.ip in known and call.tunnel is None:
            plain.setdefault(call.connection, call)
    tls = {direct.connection: direct for direct in view.report.direct_tls}
    for connection in view.report.connections:
        opener = known.get(connection.client.ip)
        if opener is None or not _is_past(connection, near):
            continue
        ip, port = connection.server.ip, connection.server.port
        rest = (opener, port, connection.id)
        if connection.id in tls:
            direct = tls[connection.id]
            hosts = (ip,) if direct.tls.sni is None else (ip, direct.tls.sni)
            yield WayOut(direct.id, "TLS around the proxies", True, hosts, *rest, direct.tls)
        elif connection.id in plain:
            call = plain[connection.id]
            asked = split_authority((call.request and call.request.host) or "")
            hosts = (ip,) if asked is None else (ip, asked[0])
            kind = "plain HTTP around the proxies"
            yield WayOut(call.id, kind, True, hosts, *rest, plain=True)
        elif port != DNS_PORT:
            yield WayOut(connection.id, "TCP around the proxies", True, (ip,), *rest, plain=True)


_WHO: Final[dict[Opener, str]] = {"agent": "agent's", "api-proxy": "API proxy's"}


def openers(view: View) -> dict[str, Opener]:
    """Who opens ways out, by address: whatever is no agent is nobody of whom a policy speaks."""
    found: dict[str, Opener] = dict.fromkeys(_agents(view), "agent")
    found.update(dict.fromkeys(view.report.topology.api_proxy, "api-proxy"))
    return found


def _asked_port(call: Exchange) -> int | None:
    return None if call.request is None else split_target(call.request.target).port


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
