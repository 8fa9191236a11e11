"""Who an address is, as a report's topology says."""

from __future__ import annotations

from inspector.model.topology import Helper, Role, Topology


def named_roles(topology: Topology) -> tuple[tuple[Role, tuple[str, ...]], ...]:
    """The addresses of each role, a forward proxy's with its port."""
    return (
        ("agent", topology.agent),
        ("api-proxy", topology.api_proxy),
        ("forward-proxy", topology.forward_proxy),
    )


def named_helpers(topology: Topology) -> tuple[tuple[Helper, tuple[str, ...]], ...]:
    """The addresses of hosts beside the way of a call."""
    return (
        ("mcp-gateway", topology.mcp_gateway),
        ("cli-proxy", topology.cli_proxy),
        ("doh-proxy", topology.doh_proxy),
    )


class KnownRoles:
    """The roles of a topology, by address alone."""

    def __init__(self, topology: Topology) -> None:
        self._roles: dict[str, Role] = {}
        for role, known in named_roles(topology):
            for host in known:
                self._roles.setdefault(host, role)
                self._roles.setdefault(host.rpartition(":")[0].strip("[]"), role)

    def of(self, ip: str) -> Role:
        """The role of an address; "other" of one that has none."""
        return self._roles.get(ip, "other")
