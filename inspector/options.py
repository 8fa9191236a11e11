"""What a user may say about a capture's network, on the command line or in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from inspector.errors import ExitCode, InspectorError, plain, quoted
from inspector.exchanges.topology import DEFAULT_ROLES, ENCLAVE, Roles, Source
from inspector.fact import Fact, field, replace
from inspector.model.providers import BY_PATH, KNOWN, Provider, ProviderFacts
from inspector.model.topology import Helper
from inspector.model.topology import Role as Role
from inspector.model.topology import Scope as Scope
from inspector.presets import PRESETS, path_of
from inspector.providers_file import NotAProvider, read_providers
from inspector.regex import regex
from inspector.toml import Unreadable, read_table

#: Names a topology file may have at its top level -> the role they tell.
FILE_ROLES: Final[dict[str, Role]] = {
    "agents": "agent",
    "api_proxies": "api-proxy",
    "forward_proxies": "forward-proxy",
}
#: The same of hosts beside the way of a call.
FILE_HELPERS: Final[dict[str, Helper]] = {
    "mcp_gateways": "mcp-gateway",
    "cli_proxies": "cli-proxy",
    "doh_proxies": "doh-proxy",
}


#: Roles that a network may do without.
_DISPENSABLE: Final[tuple[Role, ...]] = ("api-proxy", "forward-proxy")

#: `ip:port` and `[v6]:port`, the port being optional.
_SERVICE: Final = regex(r"(?:\[([^]]+)\]|([^:]+))(?::([0-9]+))?")
_KNOWN: Final = (
    f"subnet, {', '.join((*FILE_ROLES, *FILE_HELPERS))}, without, [ports] and [[provider]]"
)


class TopologyError(InspectorError):
    """A topology file, or an option about the network, that cannot be used."""

    exit_code = ExitCode.USAGE


class Options(Fact, kw_only=True):
    """What a user may say about a capture.

    Addresses are texts; `forward_proxies` may carry a port (`ip:port`), `subnet` is one network or
    several.
    `preset` names a network that is known here (`presets.PRESETS`); a topology file goes before it.
    `fingerprint_key` makes fingerprints comparable between runs; without it
    each run draws its own.  `logs` are Squid's and the API proxy's, weighed
    beside those in a capture's directory.  `labels` say what the run is called elsewhere, by name.
    `key_logs` hold secrets of TLS sessions (NSS's format); with `decrypts` these are used, and
    those embedded in captures; with `finds_keys` also the key logs in a capture's directory.
    """

    scope: Scope | None = None
    subnet: str | tuple[str, ...] | None = None
    agents: tuple[str, ...] = ()
    api_proxies: tuple[str, ...] = ()
    forward_proxies: tuple[str, ...] = ()
    topology_file: Path | None = None
    preset: str | None = None
    auth_headers: tuple[str, ...] = ()
    kept_headers: tuple[str, ...] = ()
    fingerprint_key: bytes | None = None
    logs: tuple[Path, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    key_logs: tuple[Path, ...] = ()
    decrypts: bool = True
    finds_keys: bool = False

    def roles(self) -> Roles:
        """The network as told: defaults, then the preset, the file, and the options."""
        roles = Roles()
        if self.preset is not None:
            roles = _from_file(roles, _preset(self.preset), "preset")
        if self.topology_file is not None:
            roles = _from_file(roles, self.topology_file, "file")
        told: dict[Role, Sequence[str]] = {
            "agent": self.agents,
            "api-proxy": self.api_proxies,
            "forward-proxy": self.forward_proxies,
        }
        return _tell(roles, self.subnets, told, {}, "options")

    @property
    def subnets(self) -> tuple[str, ...]:
        """The networks that were named; none: the default."""
        return (self.subnet,) if isinstance(self.subnet, str) else tuple(self.subnet or ())

    def secret_headers(self) -> tuple[str, ...]:
        """`auth_headers`, and those in which the providers of the topology file take their keys."""
        return (*self.auth_headers, *self.roles().auth_headers)


def _preset(name: str) -> Path:
    if name not in PRESETS:
        raise TopologyError(
            f"{quoted(name)} is no preset that is known here",
            f"Known are {', '.join(PRESETS)}",
            "The captures were not looked at yet",
        )
    return path_of(name)


def _from_file(roles: Roles, path: Path, source: Source) -> Roles:
    try:
        table = read_table(path)
    except Unreadable as error:
        raise TopologyError(
            f"The topology file {path} cannot be read: {error}",
            f"It is TOML with the names {_KNOWN}",
            "The captures were not looked at yet",
        ) from error
    unknown = set(table) - {"subnet", "ports", "provider", "without", *FILE_ROLES, *FILE_HELPERS}
    if unknown:
        names = ", ".join(map(plain, sorted(unknown)))
        raise TopologyError(
            f"The topology file {path} has unknown names: {names}",
            f"Known are {_KNOWN}",
        )
    subnet = table.get("subnet", [])
    subnets = [subnet] if isinstance(subnet, str) else subnet
    if not isinstance(subnets, list) or not all(isinstance(each, str) for each in subnets):
        raise TopologyError(
            f"subnet in the topology file {path} is no text, nor a list of texts",
            'Write subnet = "172.30.0.0/24", or ["172.30.0.0/24", "172.31.0.0/24"]',
        )
    told: dict[Role, Sequence[str]] = {
        role: _texts(path, table, name) for name, role in FILE_ROLES.items()
    }
    added = _providers(path, table)
    ports = _ports(path, table, added)
    helpers = {
        helper: frozenset(_end(text, may_have_port=False)[0] for text in named)
        for name, helper in FILE_HELPERS.items()
        if (named := _texts(path, table, name))
    }
    network = _tell(roles, tuple(subnets), told, ports, source)
    without = _without(path, table)
    return replace(
        network,
        added=added,
        helpers=helpers,
        without=without,
        addresses={
            role: frozenset() if role in without else members
            for role, members in network.addresses.items()
        },
        told=network.told | without,
        source=source if without else network.source,
    )


def _without(path: Path, table: dict[str, Any]) -> frozenset[Role]:
    named = _texts(path, table, "without")
    if strange := set(named) - set(_DISPENSABLE):
        raise TopologyError(
            f"without in the topology file {path} has {quoted(min(strange))}",
            f"Known are {', '.join(_DISPENSABLE)}",
        )
    return frozenset(role for role in _DISPENSABLE if role in named)


def _texts(path: Path, table: dict[str, Any], name: str) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TopologyError(
            f"{name} in the topology file {path} is not a list of addresses",
            f'Write {name} = ["172.30.0.20"]',
        )
    return tuple(value)


def _providers(path: Path, table: dict[str, Any]) -> tuple[ProviderFacts, ...]:
    try:
        return read_providers(table.get("provider", []))
    except NotAProvider as error:
        raise TopologyError(
            f"[[provider]] in the topology file {path}: {error}", error.next_step
        ) from error


def _ports(
    path: Path, table: dict[str, Any], added: tuple[ProviderFacts, ...]
) -> dict[int, Provider]:
    """The API proxy's ports: those of the added providers, then what `[ports]` says."""
    value = table.get("ports", {})
    if not isinstance(value, dict) or not all(
        is_port(port) and isinstance(provider, str) for port, provider in value.items()
    ):
        raise TopologyError(
            f"[ports] in the topology file {path} does not map ports to providers",
            f'Write 10001 = "anthropic"; providers are {", ".join(KNOWN)}',
        )
    known = (*KNOWN, BY_PATH, *(row.name for row in added))
    for port, provider in value.items():
        if provider not in known:
            raise TopologyError(
                f"[ports] in the topology file {path} has {port}: {quoted(provider)} is no provider"
                f" known here",
                f"Known are {', '.join(known)}; add it as [[provider]] with"
                f" name = {quoted(provider)} (docs/topology.md)",
            )
    own = {row.port: row.name for row in added if row.port is not None}
    return {**own, **{int(port): provider for port, provider in value.items()}}


def _tell(
    roles: Roles,
    subnets: tuple[str, ...],
    told: dict[Role, Sequence[str]],
    ports: dict[int, Provider],
    source: Source,
) -> Roles:
    """Replace what the user named; what was not named stays."""
    if not subnets and not ports and not any(told.values()):
        return roles
    addresses = dict(roles.addresses)
    proxy_ports = set(roles.proxy_ports)
    for role, members in told.items():
        ends = [_end(member, may_have_port=role == "forward-proxy") for member in members]
        if ends:
            addresses[role] = frozenset(address for address, _ in ends)
        proxy_ports |= {port for _, port in ends if port is not None}
    networks = [_network(subnet) for subnet in subnets or roles.subnets]
    if subnets and not any(told.values()) and roles.addresses == DEFAULT_ROLES:
        # Usual members that are not of these networks: let traffic tell.
        addresses = {
            role: frozenset(
                member
                for member in members | ENCLAVE[role]
                if any(ip_address(member) in network for network in networks)
            )
            for role, members in DEFAULT_ROLES.items()
        }
    told_roles = frozenset(role for role, members in told.items() if members)
    return replace(
        roles,
        subnets=tuple(dict.fromkeys(subnets or roles.subnets)),
        addresses=addresses,
        ports={**roles.ports, **ports},
        proxy_ports=frozenset(proxy_ports),
        told=roles.told | told_roles,
        source=source,
    )


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise TopologyError(
            f"{plain(text)} is no network",
            "Write it as 172.30.0.0/24",
            "The captures were not looked at yet",
        ) from error


def _end(text: str, *, may_have_port: bool) -> tuple[str, int | None]:
    """An address as the report writes it; `ip:port` or `[v6]:port` when it may have a port."""
    match = _SERVICE.fullmatch(text) if may_have_port else None
    address, port = (match[1] or match[2], match[3]) if match else (text, None)
    try:
        if port is not None and not is_port(port):
            raise ValueError("no port")
        return str(ip_address(address)), None if port is None else int(port)
    except ValueError as error:
        raise TopologyError(
            f"{plain(text)} is no address" + (" with or without a port" if may_have_port else ""),
            "Write it as 172.30.0.10" + (" or 172.30.0.10:3128" if may_have_port else ""),
            "The captures were not looked at yet",
        ) from error


def is_port(text: str) -> bool:
    """Whether a text is the number of a TCP port."""
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 1 << 16
