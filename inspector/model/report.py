"""`Report`: everything one run found out.  A record; `inspector.report` reads and writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.fact import Fact, field
from inspector.model.capture import CaptureFile, Completeness, KeyMaterial, Oddity
from inspector.model.conclusions import Chain, Finding, Hypothesis, RootCause, Witnesses
from inspector.model.http import Exchange
from inspector.model.live import Live
from inspector.model.network import Connection, DirectTls, Tunnel
from inspector.model.numbers import ProviderNumbers
from inspector.model.provenance import Provenance, Tool, this_tool
from inspector.model.topology import Client, Topology

#: The format and its version, MAJOR.MINOR (docs/report.md, "Versions").
FORMAT: Final = "inspector.report"
MAJOR: Final = 2
MINOR: Final = 2
SCHEMA: Final = f"{FORMAT}/{MAJOR}.{MINOR}"
#: The formats that can be read, by MAJOR.  Every report of 1 is one of 2 but for its number.
READABLE_MAJORS: Final = (1, MAJOR)

#: Sections without which nobody can tell whether something was looked for and not found.
CONCLUSIONS: Final = ("chains", "hypotheses", "findings", "root_cause")


class Report(Fact, kw_only=True):
    """What a capture shows, and what it cannot.

    Fields are the top-level names of the JSON and stand in its order.  Packet references carry
    their file's index when `captures` has more than one entry.
    """

    schema: str = SCHEMA
    """The format and its version."""
    tool: Tool = field(default_factory=this_tool)
    """The program that wrote it."""
    provenance: Provenance | None = None
    """Which run it is of; null in reports before 2.2."""
    captures: tuple[CaptureFile, ...]
    """The files that were read, in the order given."""
    completeness: Completeness
    """How much of the truth they can hold."""
    topology: Topology
    """Who is who."""
    clients: tuple[Client, ...]
    """Who asked what of whom, with which credentials, in the order of their first requests."""
    connections: Sequence[Connection]
    """All TCP connections in scope, in the order in which they began.

    In Python an item may be unpacked only when it is looked at.
    """
    exchanges: Sequence[Exchange]
    """All HTTP exchanges, in the order in which their heads were seen."""
    tunnels: Sequence[Tunnel]
    """All CONNECT tunnels, in the order in which each was known to be one.

    That is the order of their requests, but for tunnels that had begun before the capture.
    """
    direct_tls: tuple[DirectTls, ...]
    """TLS connections outside any tunnel, in the order in which they began."""
    oddities: tuple[Oddity, ...]
    """What the parsers found odd, in the order of the names."""
    chains: Sequence[Chain] = ()
    """Which tunnel carried which call, in the order of the calls."""
    hypotheses: tuple[Hypothesis, ...] = ()
    """The questions that every report answers, in the order of their ids."""
    findings: tuple[Finding, ...] = ()
    """What is worth saying, the worst first."""
    root_cause: RootCause | None = None
    """What made calls fail; null when none failed, or no cause can be proven."""
    witnesses: Witnesses | None = None
    """What the logs say; null without logs."""
    keys: KeyMaterial | None = None
    """Where the secrets came from with which TLS was read; null where none were given."""
    live: Live | None = None
    """How the capture was taken; null for a file that says nothing of it."""
    providers: tuple[ProviderNumbers, ...] = ()
    """What the calls to each provider took and cost, in the order of the first of them."""


def nothing_to_analyse(because: str) -> Report:
    """The report of a run that found no capture to read; `because` says why."""
    return Report(
        captures=(),
        completeness=Completeness(
            packets=0,
            dropped_by_kernel=None,
            truncated_packets=0,
            duplicate_packets=0,
            gaps=(),
            midstream_connections=0,
            limits_hit=(),
            capture_filter=None,
            verdict="unknown",
            because=(because,),
        ),
        topology=Topology(
            subnet=None,
            agent=(),
            api_proxy=(),
            forward_proxy=(),
            providers={},
            source="defaults",
            scope="all",
        ),
        clients=(),
        connections=(),
        exchanges=(),
        tunnels=(),
        direct_tls=(),
        oddities=(),
    )
