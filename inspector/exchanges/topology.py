"""Who is who: addresses to roles, service ports and hosts to providers.

The firewall's defaults (shared facts: agent .20, API proxy .30, Squid .10 of
172.30.0.0/24) hold unless told otherwise.  A role whose default addresses do
not occur in the capture is recognised from what hosts do: who answers CONNECT
is a forward proxy, who answers HTTP on a provider port is an API proxy, who
talks to either is an agent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Literal, TypeAlias

from inspector.exchanges.helpers import helpers
from inspector.exchanges.ledger import Ledger
from inspector.fact import Fact, field, replace
from inspector.model.addresses import split_authority, split_target
from inspector.model.http import Hop
from inspector.model.providers import (
    BY_PATH,
    DEFAULT_PORTS,
    PROVIDERS,
    UNKNOWN,
    Provider,
    ProviderFacts,
    provider_at,
)
from inspector.model.topology import Helper, Role, Scope, Topology

DEFAULT_SUBNET: Final = "172.30.0.0/24"
DEFAULT_ROLES: Final[dict[Role, frozenset[str]]] = {
    "agent": frozenset({"172.30.0.20"}),
    "api-proxy": frozenset({"172.30.0.30"}),
    "forward-proxy": frozenset({"172.30.0.10"}),
}
#: The firewall's second pair, an enclave in 172.31.0.0/24 with the same last numbers: members once
#: a user names that network.
ENCLAVE: Final[dict[Role, frozenset[str]]] = {
    "agent": frozenset({"172.31.0.20"}),
    "api-proxy": frozenset({"172.31.0.30"}),
    "forward-proxy": frozenset({"172.31.0.10"}),
}
FORWARD_PROXY_PORTS: Final = frozenset({3128})

_NETWORKS: Final = tuple(
    (ip_network(network), row.name) for row in PROVIDERS for network in row.networks
)

#: (role of the client, role of the server) -> hop.
HOPS: Final[dict[tuple[Role, Role], Hop]] = {
    ("agent", "api-proxy"): "agent-to-api-proxy",
    ("agent", "forward-proxy"): "agent-to-forward-proxy",
    ("forward-proxy", "api-proxy"): "forward-proxy-to-api-proxy",
    ("api-proxy", "forward-proxy"): "api-proxy-to-forward-proxy",
}

#: What a web server that is no proxy answers to CONNECT (RFC 9110 15.5.1, .5, .6, 15.6.2).
NOT_UNDERSTOOD: Final = frozenset({400, 404, 405, 501})

#: Addresses of a role that a note names; `topology` has them all.
NOTED: Final = 5

Source = Literal["defaults", "options", "file", "preset", "traffic"]
IPNetwork: TypeAlias = IPv4Network | IPv6Network


class Roles(Fact):
    """The members of one network or several.

    `told` roles were given by the user and are never replaced.
    """

    subnets: tuple[str, ...] = (DEFAULT_SUBNET,)
    addresses: Mapping[Role, frozenset[str]] = field(default_factory=lambda: dict(DEFAULT_ROLES))
    ports: Mapping[int, Provider] = field(default_factory=lambda: dict(DEFAULT_PORTS))
    proxy_ports: frozenset[int] = FORWARD_PROXY_PORTS
    told: frozenset[Role] = frozenset()
    helpers: Mapping[Helper, frozenset[str]] = field(default_factory=dict)
    added: tuple[ProviderFacts, ...] = ()
    #: Roles that the network does not have: nobody is looked for in traffic, nobody goes past them.
    without: frozenset[Role] = frozenset()
    source: Source = "defaults"
    notes: tuple[str, ...] = ()

    @property
    def networks(self) -> tuple[IPNetwork, ...]:
        """The subnets as networks; raises ValueError for one that is none."""
        return tuple(ip_network(subnet, strict=False) for subnet in self.subnets)

    @property
    def auth_headers(self) -> tuple[str, ...]:
        """The headers in which added providers take their keys."""
        return tuple(row.auth_header for row in self.added if row.auth_header is not None)

    def role(self, address: str) -> Role:
        """The role of an address."""
        for role, members in self.addresses.items():
            if address in members:
                return role
        return "other"

    def hop(self, client: str, server: str) -> Hop:
        """Which part of the way a plaintext exchange between two addresses is."""
        return HOPS.get((self.role(client), self.role(server)), "other")

    def provider(self, host: str, port: int, path: str = "") -> Provider:
        """The provider behind a service: by port at the API proxy, else by host name.

        At a gateway's port that serves several, the path tells.
        """
        if host in self.addresses["api-proxy"]:
            known = self.ports.get(port, UNKNOWN)
            return provider_at(path) if known == BY_PATH else known
        return provider_of(host, self.added)

    def fact(self, scope: Scope) -> Topology:
        """The roles as the report shows them."""
        return Topology(
            subnet=self.subnets[0],
            agent=tuple(sorted(self.addresses["agent"])),
            api_proxy=tuple(sorted(self.addresses["api-proxy"])),
            forward_proxy=tuple(sorted(self.addresses["forward-proxy"])),
            providers={str(port): provider for port, provider in sorted(self.ports.items())},
            source=self.source,
            scope=scope,
            notes=self.notes,
            added=self.added,
            subnets=self.subnets,
            mcp_gateway=tuple(sorted(self.helpers.get("mcp-gateway", ()))),
            cli_proxy=tuple(sorted(self.helpers.get("cli-proxy", ()))),
            doh_proxy=tuple(sorted(self.helpers.get("doh-proxy", ()))),
            without=tuple(sorted(self.without)),
        )


@lru_cache(maxsize=4096)
def provider_of(host: str, added: tuple[ProviderFacts, ...] = ()) -> Provider:
    """The provider whose API a host name or an address stands for; `added` ones come first."""
    name = host.lower().strip("[]").rstrip(".")
    for row in (*added, *PROVIDERS):
        for pattern in row.hosts:
            start, star, end = pattern.partition("*")
            if name == pattern or (star and name.startswith(start) and name.endswith(end)):
                return row.name
    if name[:1].isdigit() or ":" in name:
        try:
            address = ip_address(name)
        except ValueError:
            return UNKNOWN
        for network, provider in _NETWORKS:
            if address in network:
                return provider
    return UNKNOWN


def fronts(spoken: Iterable[tuple[str, str]], roles: Roles) -> frozenset[str]:
    """Hosts without a role that take requests and send some to an API proxy: proxies before it."""
    pairs = list(spoken)
    asked = {server for _, server in pairs if roles.role(server) == "other"}
    return frozenset(
        client
        for client, server in pairs
        if roles.role(server) == "api-proxy" and client in asked and roles.role(client) == "other"
    )


class SubnetTest:
    """Tests packed addresses against subnets without making objects."""

    __slots__ = ("_parts",)

    def __init__(self, networks: Iterable[IPNetwork]) -> None:
        #: Of each: bytes of an address, bits behind the prefix, the prefix.
        self._parts = tuple(
            (
                network.max_prefixlen // 8,
                shift := network.max_prefixlen - network.prefixlen,
                int(network.network_address) >> shift,
            )
            for network in networks
        )

    def __call__(self, packed: bytes) -> bool:
        for width, shift, prefix in self._parts:
            if len(packed) == width and int.from_bytes(packed, "big") >> shift == prefix:
                return True
        return False


def recognise(roles: Roles, ledger: Ledger) -> Roles:
    """Replace each role that nobody was told and whose members are absent; name the helpers.

    Of several networks each has its own members: a pair in one says nothing of another.
    """
    networks = roles.networks
    several: Sequence[IPNetwork | None] = networks if len(networks) > 1 else (None,)
    found = roles
    for network in several:
        found = _from_traffic(found, ledger, network)
    source: Source = "traffic" if _is_all_from_traffic(roles, found, ledger) else roles.source
    found = _with_callers(replace(found, source=source), ledger)
    if len(networks) > 1:
        found = _with_pairs(found, ledger)
    named, notes = helpers(ledger, networks, found.addresses, found.helpers)
    return replace(found, helpers={**found.helpers, **named}, notes=(*found.notes, *notes))


def _from_traffic(roles: Roles, ledger: Ledger, network: IPNetwork | None) -> Roles:
    """The roles, with those of a network (None: any) whose members are absent from traffic."""
    absent: set[Role] = {
        role
        for role in DEFAULT_ROLES
        if role not in roles.told and not _within(roles.addresses[role] & ledger.addresses, network)
    }
    if not absent:
        return roles
    addresses = dict(roles.addresses)
    notes = list(roles.notes)
    finders: dict[Role, Callable[[], set[str]]] = {
        "forward-proxy": partial(_forward_proxies, ledger),
        "api-proxy": partial(_api_proxies, roles, ledger),
    }
    for role, find in finders.items():
        if role not in absent:  # to look for it is a pass over all that was recorded
            continue
        taken = set().union(*(addresses[other] for other in addresses if other != role))
        _adopt(role, absent, _within(find() - taken, network), addresses, notes, network)
    proxies = addresses["api-proxy"] | addresses["forward-proxy"]
    agents = {
        client
        for client, server in ledger.spoken
        if server in proxies and client not in proxies and not _is_gateway(client, roles)
    }
    _adopt("agent", absent, _within(agents, network), addresses, notes, network)
    return replace(roles, addresses=addresses, notes=tuple(notes))


def _is_all_from_traffic(before: Roles, after: Roles, ledger: Ledger) -> bool:
    """Whether no role is as it was told, or by default."""
    return before.notes != after.notes and not any(
        role in before.told or before.addresses[role] & ledger.addresses for role in DEFAULT_ROLES
    )


def _within(addresses: Iterable[str], network: IPNetwork | None) -> frozenset[str]:
    """Those of a network; all of them for None."""
    return frozenset(
        address for address in addresses if network is None or ip_address(address) in network
    )


def _with_pairs(roles: Roles, ledger: Ledger) -> Roles:
    """Say which networks have an API proxy of their own, if more than one has."""
    seen = ledger.addresses
    pairs = [
        (network, sorted(members))
        for network in roles.networks
        if (members := _within(roles.addresses["api-proxy"] & seen, network))
    ]
    if len(pairs) < 2:
        return roles
    told = "; ".join(f"{network} has API proxy {', '.join(who)}" for network, who in pairs)
    return replace(roles, notes=(*roles.notes, f"several pairs: {told}"))


def _with_callers(roles: Roles, ledger: Ledger) -> Roles:
    """Add those to the agents who make API calls as agents do, unless it was told who they are.

    A microVM calls from the gateway's address or from 100.64.0.0/10, and several agents may share
    an API proxy.  Health checks are no calls, a proxy before the API proxy is no agent.
    """
    if "agent" in roles.told:
        return roles
    before = fronts(ledger.spoken, roles)
    likely = {
        client
        for client, server in ledger.spoken
        if roles.role(server) == "api-proxy" and roles.role(client) == "other"
    } - before
    if not likely:
        return roles
    callers = {
        client
        for client, server in ledger.called
        if client in likely and roles.role(server) == "api-proxy"
    }
    if not callers:
        return roles
    addresses = {**roles.addresses, "agent": roles.addresses["agent"] | callers}
    listed = ", ".join(sorted(callers)[:NOTED])
    more = f" and {len(callers) - NOTED:,} more" if len(callers) > NOTED else ""
    note = f"agent recognised from its calls: {listed}{more}"
    return replace(roles, addresses=addresses, notes=(*roles.notes, note))


def _adopt(
    role: Role,
    absent: set[Role],
    members: frozenset[str],
    addresses: dict[Role, frozenset[str]],
    notes: list[str],
    network: IPNetwork | None,
) -> None:
    """Take what was found in a network in the place of members that it was to have."""
    if role in absent and members:
        addresses[role] = members | (addresses[role] - _within(addresses[role], network))
        who = sorted(members)
        more = len(who) - NOTED
        listed = ", ".join(who[:NOTED]) + (f" and {more:,} more" if more > 0 else "")
        notes.append(f"{role} recognised from traffic: {listed}")


def _forward_proxies(ledger: Ledger) -> set[str]:
    found = {
        record.proxy.ip
        for record in ledger.tunnels
        if record.connect_status is not None
        and record.outer is None
        and (record.connect_status not in NOT_UNDERSTOOD or record.proxy_error is not None)
    }
    # An origin has to take absolute form, too (RFC 9112 3.2.2): for an address of its own, for
    # hosts that it goes by otherwise, and, at the port that is asked for, for any one.
    asked: dict[str, set[str]] = {}
    own: set[tuple[str, str]] = set()
    known: set[tuple[str, str]] = set()
    for exchange in ledger.exchanges if ledger.names_hosts else ():
        request, server = exchange.request, exchange.server
        if exchange.tunnel is not None or request is None:
            continue
        wanted = split_target(request.target)
        if wanted.host:
            if request.target[:5].lower() == "http:" and wanted.host != server.ip:
                hosts = asked.setdefault(server.ip, set())
                hosts.add(wanted.host)
                if wanted.port != server.port:
                    hosts.add("")  # another port is another server's
        elif request.host is not None and (server.ip, request.host) not in known:
            known.add((server.ip, request.host))
            named = split_authority(request.host)
            own.add((server.ip, "" if named is None else named[0]))
    return found | {
        server
        for server, hosts in asked.items()
        if len({host for host in hosts if (server, host) not in own}) > 1
    }


def _api_proxies(roles: Roles, ledger: Ledger) -> set[str]:
    return {server for server, port in ledger.answered if port in roles.ports}


def _is_gateway(address: str, roles: Roles) -> bool:
    """A bridge's own address (.1): health checks of the host, not an agent."""
    host = ip_address(address)
    return any(
        host in network and int(host) == int(network.network_address) + 1
        for network in roles.networks
    )
