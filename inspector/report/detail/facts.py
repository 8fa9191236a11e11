"""What a report holds of one thing in it, as facts: legs, tunnels, connections, steps."""

from __future__ import annotations

from typing import Literal, TypeAlias

from inspector.fact import Fact
from inspector.model.conclusions import Chain, FindingCode, Severity
from inspector.model.http import Exchange, Timing
from inspector.model.ids import ConnectionId, ExchangeId, TunnelId
from inspector.model.network import Connection, DirectTls, Endpoint, Tunnel

#: Who is at an end of a step.  `upstream` is the API's host, behind Squid.
Lane: TypeAlias = Literal["client", "api-proxy", "forward-proxy", "upstream"]
StepKind: TypeAlias = Literal[
    "open", "request", "request-end", "connect", "connect-reply",
    "response", "response-end", "tunnel-first-byte", "tunnel-last-byte", "message", "close",
]  # fmt: skip


class Step(Fact):
    """Something that happened on the way of a call, between two neighbours."""

    at: int
    """When."""
    source: Lane
    """Who did it."""
    target: Lane
    """Towards whom."""
    kind: StepKind
    """What it is."""
    said: str
    """The same in a few words, captured text as the report has it: not escaped for a terminal."""
    broken: bool = False
    """Whether it is a failure: a refusal, an error, an end before the answer was whole."""
    exchange: ExchangeId | None = None
    """The exchange that it is of."""
    tunnel: TunnelId | None = None
    """The tunnel that it is of."""
    connection: ConnectionId | None = None
    """The connection that carried it."""
    packet: int | None = None
    """The packet that shows it; null where the report does not name it."""


class Leg(Fact):
    """An exchange on one hop, with what carried it."""

    exchange: Exchange
    """The exchange, as the report has it."""
    connection: Connection | None
    """Its connection; null where the report has none of that id."""
    timing: Timing
    """How long it took."""


class NamedFinding(Fact):
    """A finding whose evidence names the thing."""

    code: FindingCode
    """Its code (docs/findings.md)."""
    severity: Severity
    """How bad it is."""
    title: str
    """What it says, in one line."""
    is_cause: bool
    """Whether it is the report's root cause."""


class PacketRange(Fact):
    """Packets between two ends, in both directions."""

    client: Endpoint
    """The client's end."""
    server: Endpoint
    """The other end."""
    since_at: int | None = None
    """From when on, where the connection carried other things before; null: from its beginning."""
    until_at: int | None = None
    """Until when, inclusive; null: to its end."""


class Detail(Fact):
    """One thing of a report in full, with all that belongs to it."""

    id: str
    """The id that was asked for."""
    legs: tuple[Leg, ...]
    """Of a call: the client's own exchange, its next leg, then what was asked upstream.

    Of a tunnel what it was opened for and what was read in it, of a connection what it carried.
    """
    chains: tuple[Chain, ...]
    """The chains that join these with tunnels."""
    tunnels: tuple[Tunnel, ...]
    """Of a call the tunnels that were tried, then the one that carried the answer."""
    direct_tls: tuple[DirectTls, ...]
    """TLS outside any tunnel, where the thing is that."""
    connections: tuple[Connection, ...]
    """The TCP connections of all of these, in the order in which they began."""
    steps: tuple[Step, ...]
    """What happened, in the order of time: the ladder of a call."""
    findings: tuple[NamedFinding, ...]
    """Findings that name one of these, the worst first."""
    packet_ranges: tuple[PacketRange, ...]
    """Where its packets are, a range a connection."""
    display_filter: str
    """The display filter with which Wireshark shows these packets alone."""
    captures: tuple[str, ...]
    """The files that the report is of."""
