"""Which addresses are hosts of the bridge, and which lie behind a way out of it.

Everything that leaves the bridge is to go through the forward proxy: a connection to an
address that is no neighbour went past it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from inspector.model.addresses import split_target
from inspector.model.http import Exchange
from inspector.model.network import Tunnel
from inspector.model.topology import Topology

#: TCP port of DNS: the firewall lets an agent ask the resolvers it names, past the proxies.
DNS_PORT: Final = 53

_Network: TypeAlias = IPv4Network | IPv6Network

#: Networks of which a host may be a neighbour where the roles' addresses do not tell which one
#: the bridge is (RFC 1918, RFC 6598, RFC 4193, loopback).  Link-local ones are not among
#: them: a cloud's metadata service answers at 169.254.169.254.
_PRIVATE: Final = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
         "fc00::/7", "::1/128"),
    )
)  # fmt: skip


class Neighbourhood:
    """The bridges as a topology tells them: hosts with a role, and the subnets of these.

    Where no host with a role lies in a subnet of the topology (the roles were recognised from
    other traffic), any private address may be a neighbour.
    """

    def __init__(self, topology: Topology) -> None:
        members = (*topology.agent, *topology.api_proxy, *topology.forward_proxy)
        self._members = frozenset(map(_host, members))
        own = [net for net in map(_network, topology.networks) if net is not None]
        known = any(_is_in(member, own) for member in self._members)
        self._networks = tuple(own) if known else (*own, *_PRIVATE)
        self.holds = lru_cache(maxsize=4096)(self._holds)

    def _holds(self, address: str) -> bool:
        return address in self._members or _is_in(address, self._networks)

    def keeps(self, exchange: Exchange) -> bool:
        """Whether a request is for a host of the bridge, be it asked for through a proxy or not."""
        return self.holds(asked_host(exchange) or exchange.server.ip)


def asked_host(exchange: Exchange) -> str:
    """The host that a request in absolute form asks a proxy for (RFC 9112 3.2.2), else empty."""
    if exchange.request is None:
        return ""
    return split_target(exchange.request.target).host


def tunnel_hosts(tunnel: Tunnel) -> tuple[str, ...]:
    """The hosts that a tunnel is to: by its CONNECT, and by the name in its TLS."""
    sni = tunnel.tls.sni if tunnel.tls is not None else None
    return tuple(filter(None, (tunnel.host, sni)))


def _host(member: str) -> str:
    """A role's address; a forward proxy's may be written with its port."""
    host, _, port = member.rpartition(":")
    return host.strip("[]") if port.isdigit() and (":" not in host or "[" in host) else member


def _network(subnet: str) -> _Network | None:
    try:
        return ip_network(subnet, strict=False)
    except ValueError:
        return None


def _is_in(address: str, networks: Iterable[_Network]) -> bool:
    try:
        host = ip_address(address)
    except ValueError:
        return False
    return any(host in network for network in networks)
