"""Hosts that stand beside the way of a call: what the firewall puts on the bridge for the agent.

A gateway for MCP takes `/mcp/SERVER` in plain HTTP, a CLI proxy runs command lines
(`POST /exec`), a DoH proxy asks for names over HTTPS.  They are known by what they do, and by the
firewall's addresses (.40, .50) as far as such a host says nothing else of itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, TypeAlias

from inspector.exchanges.ledger import Ledger
from inspector.model.addresses import path_of, split_authority
from inspector.model.topology import Helper, Role

IPNetwork: TypeAlias = IPv4Network | IPv6Network

#: Where the firewall puts them: its network, and their addresses in it.
USUAL: Final[Mapping[Helper, str]] = {"doh-proxy": "172.30.0.40", "cli-proxy": "172.30.0.50"}
_USUAL_NETWORK: Final = ip_network("172.30.0.0/24")
HELPERS: Final[tuple[Helper, ...]] = ("mcp-gateway", "cli-proxy", "doh-proxy")

#: Hosts that answer DNS over HTTPS (RFC 8484), as they are named in a CONNECT or in TLS.
RESOLVERS: Final = frozenset({
    "dns.google", "dns.google.com", "dns64.dns.google", "cloudflare-dns.com", "one.one.one.one",
    "mozilla.cloudflare-dns.com", "security.cloudflare-dns.com", "dns.quad9.net", "dns9.quad9.net",
    "dns10.quad9.net", "dns11.quad9.net", "doh.opendns.com", "dns.nextdns.io",
    "doh.cleanbrowsing.org", "dns.adguard-dns.com", "1.0.0.1", "1.1.1.1", "8.8.4.4", "8.8.8.8",
    "9.9.9.9",
})  # fmt: skip


def helpers(
    ledger: Ledger,
    networks: Sequence[IPNetwork],
    roles: Mapping[Role, frozenset[str]],
    told: Mapping[Helper, frozenset[str]],
) -> tuple[dict[Helper, frozenset[str]], tuple[str, ...]]:
    """The helpers of which nobody was told, and a note for each kind that traffic gave.

    A host that has a role keeps it; whoever asks the API proxy is an agent by then.
    """
    taken = frozenset().union(*roles.values(), *told.values())
    asked = {server for _, server in ledger.spoken} - taken
    asking = {client for client, _ in ledger.spoken} - taken
    seen: dict[Helper, set[str]] = {
        **_serving(ledger, asked),
        "doh-proxy": _asking_resolvers(ledger, asking, taken),
    }
    named: dict[Helper, frozenset[str]] = {}
    notes = []
    for kind in HELPERS:
        if kind in told:
            continue
        found = frozenset(seen[kind] - taken)
        usual = USUAL.get(kind)
        is_there = usual in ledger.addresses and usual not in taken
        if usual is not None and is_there and _USUAL_NETWORK in networks:
            found -= {usual}
            named[kind] = found | {usual}
        elif found:
            named[kind] = found
        if found:
            notes.append(f"{kind} recognised from traffic: {', '.join(sorted(found)[:5])}")
        taken |= named.get(kind, frozenset())
    return named, tuple(notes)


def _serving(ledger: Ledger, asked: Collection[str]) -> dict[Helper, set[str]]:
    """Who of `asked` answered what only such a helper is asked for."""
    found: dict[Helper, set[str]] = {"mcp-gateway": set(), "cli-proxy": set()}
    for exchange in ledger.exchanges if asked else ():
        request, server = exchange.request, exchange.server.ip
        if server not in asked or request is None or exchange.response is None:
            continue
        if exchange.tunnel is not None:
            continue
        path = path_of(request.target)
        if f"{path}/".startswith("/mcp/"):
            found["mcp-gateway"].add(server)
        elif (request.method, path) == ("POST", "/exec"):
            found["cli-proxy"].add(server)
    return found


def _asking_resolvers(ledger: Ledger, asking: Collection[str], taken: Collection[str]) -> set[str]:
    """The hosts whose TLS goes to nobody but those who answer DNS over HTTPS."""
    asked: dict[str, set[str]] = {}
    for tunnel in ledger.tunnels if asking else ():
        if (client := tunnel.client.ip) in asking:
            named = None if tunnel.authority is None else split_authority(tunnel.authority)
            asked.setdefault(client, set()).add("" if named is None else named[0])
    for direct in ledger.tls:
        if (client := direct.client.ip) not in taken:
            asked.setdefault(client, set()).add(direct.tls.sni or direct.server.ip)
    return {client for client, hosts in asked.items() if hosts <= RESOLVERS}
