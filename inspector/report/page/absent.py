"""Roles that the user named and that no packet shows, with who behaves like them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from inspector.exchanges.topology import Roles
from inspector.model.topology import Role
from inspector.report.page.escape import visible
from inspector.report.page.view import View

#: Where roles come from that somebody chose; defaults and traffic accuse nobody of a mistake, and
#: a host that is usual may be silent beside one that was named.
_CHOSEN: Final = ("options", "file")
_NAMES: Final[dict[Role, str]] = {
    "agent": "the agent",
    "api-proxy": "the API proxy",
    "forward-proxy": "Squid",
}


def absent_roles(view: View) -> Iterator[str]:
    """A sentence for each role of which none of the named addresses has a packet."""
    if view.report.topology.source not in _CHOSEN or not view.report.connections:
        return
    usual = Roles().addresses
    seen = {
        end.ip
        for connection in view.report.connections
        for end in (connection.client, connection.server)
    }
    for role, named in view.roles():
        hosts = [_host(each) for each in named]
        if not hosts or seen & set(hosts) or set(hosts) <= usual.get(role, frozenset()):
            continue
        told = f"No packet of {_NAMES[role]} ({visible(', '.join(hosts[:3]))}) is in the capture"
        like = _behaves_like(view, role)
        yield f"{told}; {visible(like)} behaves like it." if like else f"{told}."


def _host(named: str) -> str:
    """A forward proxy is named with its port."""
    host, colon, port = named.rpartition(":")
    with_port = colon and port.isdigit() and (":" not in host or "[" in host)
    return host.strip("[]") if with_port else named


def _behaves_like(view: View, role: Role) -> str | None:
    """The address that does most of what the role does; None without one."""
    found: Counter[str] = Counter()
    if role == "forward-proxy":
        found.update(tunnel.proxy.ip for tunnel in view.report.tunnels)
    for exchange in view.report.exchanges:
        request = exchange.request
        if exchange.tunnel is not None or request is None or not request.auth:
            continue
        end = exchange.server if role == "api-proxy" else exchange.client
        if role != "forward-proxy" and view.role(end.ip) == "other":
            found[end.ip] += 1
    return found.most_common(1)[0][0] if found else None
