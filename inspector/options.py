"""What a user may say about a capture's network, on the command line or in a file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from inspector.errors import InspectorError
from inspector.exchanges.topology import DEFAULT_ROLES, Roles, Source
from inspector.facts import Provider, Role

Scope = Literal["subnet", "all"]

#: Names a topology file may have at its top level -> the role they tell.
FILE_ROLES: Final[dict[str, Role]] = {
    "agents": "agent",
    "api_proxies": "api-proxy",
    "forward_proxies": "forward-proxy",
}


class TopologyError(InspectorError):
    """A topology file, or an option about the network, that cannot be used."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user may say about a capture.

    Addresses are texts; `forward_proxies` may carry a port (`ip:port`).
    `fingerprint_key` makes fingerprints comparable between runs; without it
    each run draws its own.
    """

    scope: Scope | None = None
    subnet: str | None = None
    agents: tuple[str, ...] = ()
    api_proxies: tuple[str, ...] = ()
    forward_proxies: tuple[str, ...] = ()
    topology_file: Path | None = None
    auth_headers: tuple[str, ...] = ()
    fingerprint_key: bytes | None = None

    def roles(self) -> Roles:
        """The network as told: defaults, then the file, then the options."""
        roles = Roles()
        if self.topology_file is not None:
            roles = _from_file(roles, self.topology_file)
        told: dict[Role, Sequence[str]] = {
            "agent": self.agents,
            "api-proxy": self.api_proxies,
            "forward-proxy": self.forward_proxies,
        }
        return _tell(roles, self.subnet, told, {}, "options")


def _from_file(roles: Roles, path: Path) -> Roles:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TopologyError(
            f"The topology file {path} cannot be read: {error}",
            "See docs/topology.md for its form",
            "The captures were not looked at yet",
        ) from error
    unknown = set(table) - {"subnet", "ports", *FILE_ROLES}
    if unknown:
        raise TopologyError(
            f"The topology file {path} has unknown names: {', '.join(sorted(unknown))}",
            f"Known are subnet, {', '.join(FILE_ROLES)} and [ports]",
        )
    told: dict[Role, Sequence[str]] = {
        role: _texts(path, table, name) for name, role in FILE_ROLES.items()
    }
    return _tell(roles, table.get("subnet"), told, _ports(path, table), "file")


def _texts(path: Path, table: dict[str, Any], name: str) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TopologyError(
            f"{name} in the topology file {path} is not a list of addresses",
            f'Write {name} = ["172.30.0.20"]',
        )
    return tuple(value)


def _ports(path: Path, table: dict[str, Any]) -> dict[int, Provider]:
    value = table.get("ports", {})
    known = get_args(Provider)
    if not isinstance(value, dict) or not all(
        str(port).isdigit() and provider in known for port, provider in value.items()
    ):
        raise TopologyError(
            f"[ports] in the topology file {path} does not map ports to providers",
            f'Write 10001 = "anthropic"; providers are {", ".join(known)}',
        )
    return {int(port): provider for port, provider in value.items()}


def _tell(
    roles: Roles,
    subnet: str | None,
    told: dict[Role, Sequence[str]],
    ports: dict[int, Provider],
    source: Source,
) -> Roles:
    """Replace what the user named; what was not named stays."""
    if not subnet and not ports and not any(told.values()):
        return roles
    addresses = dict(roles.addresses)
    proxy_ports = set(roles.proxy_ports)
    for role, members in told.items():
        if members:
            addresses[role] = frozenset(_split_port(member)[0] for member in members)
        if role == "forward-proxy":
            proxy_ports |= {port for member in members if (port := _split_port(member)[1])}
    if subnet and not any(told.values()) and roles.addresses == DEFAULT_ROLES:
        # The default members are not of another subnet: let traffic tell.
        addresses = {role: frozenset() for role in addresses}
    told_roles = frozenset(role for role, members in told.items() if members)
    told_network = replace(
        roles,
        subnet=subnet or roles.subnet,
        addresses=addresses,
        ports={**roles.ports, **ports},
        proxy_ports=frozenset(proxy_ports),
        told=roles.told | told_roles,
        source=source,
    )
    try:
        _ = told_network.network
    except ValueError as error:
        raise TopologyError(
            f"{told_network.subnet} is no network",
            "Write it as 172.30.0.0/24",
            "The captures were not looked at yet",
        ) from error
    return told_network


def _split_port(text: str) -> tuple[str, int | None]:
    """`ip`, `ip:port` or `[v6]:port`."""
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    else:
        address, port = text, ""
    return address, int(port) if port.isdigit() else None
