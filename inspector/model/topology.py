"""Who is who on the network, and what each client did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from inspector.fact import Fact, field
from inspector.model.credentials import Credential
from inspector.model.network import Endpoint, Process
from inspector.model.numbers import Numbers
from inspector.model.providers import Provider, ProviderFacts

Scope: TypeAlias = Literal["subnet", "all"]
Role: TypeAlias = Literal["agent", "api-proxy", "forward-proxy", "other"]
#: What else the firewall puts on the bridge, beside the way of a call: its role there is "other".
Helper: TypeAlias = Literal["mcp-gateway", "cli-proxy", "doh-proxy"]


class Topology(Fact):
    """Who is who, and how that is known."""

    subnet: str | None
    """The network that the report is about, in CIDR notation; the first, if it is about several."""
    agent: tuple[str, ...]
    """Addresses of agents, in the order of their text."""
    api_proxy: tuple[str, ...]
    """Addresses of API proxies, in the order of their text."""
    forward_proxy: tuple[str, ...]
    """Addresses of forward proxies (Squid), in the order of their text."""
    providers: Mapping[str, Provider]
    """The API proxy's port, as text, to the provider that it stands for."""
    source: str
    """Where the roles come from: "defaults", "options", "file", "preset" or "traffic"."""
    scope: Scope
    """Whether only connections of the subnet were looked at."""
    notes: tuple[str, ...] = field(default=())
    """What was recognised from traffic, and why, in the order of the decisions."""
    added: tuple[ProviderFacts, ...] = ()
    """The providers that a topology file added to those known here, in the order of the file."""
    subnets: tuple[str, ...] = ()
    """All networks that the report is about, in CIDR notation, in the order given.

    Empty in reports before 2.2."""
    mcp_gateway: tuple[str, ...] = ()
    """Addresses of gateways for MCP (`/mcp/...`), in the order of their text."""
    cli_proxy: tuple[str, ...] = ()
    """Addresses of hosts that run command lines for the agent, in the order of their text."""
    doh_proxy: tuple[str, ...] = ()
    """Addresses of hosts that ask for names over HTTPS, in the order of their text."""

    without: tuple[Role, ...] = ()
    """Roles that this network does not have, in the order of their text: nobody goes past them."""

    @property
    def networks(self) -> tuple[str, ...]:
        """All networks that the report is about, whichever version wrote it."""
        return self.subnets or (() if self.subnet is None else (self.subnet,))


class ClientAuth(Fact):
    """An auth header that a client sent, and in how many of its requests."""

    name: str
    """The header's name as sent; a query parameter has the name `?key`."""
    scheme: str | None
    """The authorization scheme as sent."""
    credential: Credential
    """What was sent there."""
    requests: int
    """In how many of the client's requests."""


class Client(Fact):
    """An address, a user agent and a program, and what they did towards one service."""

    ip: str
    """The client's address."""
    user_agent: str | None
    """The User-Agent header: what the client says of itself."""
    role: Role
    """The address's role."""
    provider: Provider
    """Whose API the service's port stands for."""
    service: Endpoint
    """Who was asked: its `ip` is a host's name where the request, or its tunnel, names one."""
    requests: int
    """Requests sent."""
    auth_headers: tuple[ClientAuth, ...]
    """Each credential that was sent, with its header, in the order of their first use."""
    statuses: Mapping[str, int]
    """Answers by status; requests without an answer under "none".

    Those whose answer a gap or the capture's end may hide are under "unknown".
    """
    process: Process | None = None
    """Who held the client's end of its first call."""
    processes: tuple[Process, ...] = ()
    """All who held the client's end of its calls, in the order of their first ones, the first 64.

    They are of one program in one container: others are another client.
    """
    numbers: Numbers | None = None
    """What its calls took and cost; null in reports before 2.2."""
