"""`Report`: everything one run found out, as typed facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from inspector.conclusions import Chain, Finding, Hypothesis, RootCause, Witnesses
from inspector.facts import (
    CaptureFile,
    Client,
    Completeness,
    Connection,
    DirectTls,
    Exchange,
    Oddity,
    Topology,
    Tunnel,
)
from inspector.recording import Live
from inspector.report.json import pieces, to_plain

SCHEMA: Final = "inspector.report/1"
#: Sections without which nobody can tell whether something was looked for and not found.
CONCLUSIONS: Final = ("chains", "hypotheses", "findings", "root_cause")


@dataclass(frozen=True, slots=True)
class Tool:
    """The program that wrote the report."""

    name: str
    version: str


@cache
def this_tool() -> Tool:
    """This program, with the version of the installed package."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Tool("inspector", version("inspector"))
    except PackageNotFoundError:
        return Tool("inspector", "0+unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a capture shows, and what it cannot.

    Fields are the top-level names of the JSON and stand in its order.  The
    long lists are sequences that may unpack their items only when looked at.  Lists
    are in order of time.  Packet references carry their file's index when
    `captures` has more than one entry.
    """

    schema: str = SCHEMA
    tool: Tool = field(default_factory=this_tool)
    captures: tuple[CaptureFile, ...]
    completeness: Completeness
    topology: Topology
    clients: tuple[Client, ...]
    connections: Sequence[Connection]
    exchanges: Sequence[Exchange]
    tunnels: Sequence[Tunnel]
    direct_tls: tuple[DirectTls, ...]
    oddities: tuple[Oddity, ...]
    chains: Sequence[Chain] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    findings: tuple[Finding, ...] = ()
    root_cause: RootCause | None = None
    witnesses: Witnesses | None = None
    live: Live | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report as dicts, lists and scalars, as its JSON reads."""
        return to_plain(self, several_files=len(self.captures) > 1)

    def to_json(self) -> bytes:
        """The report as UTF-8 JSON, one list item a line."""
        return b"".join(pieces(self))

    def stable(self) -> dict[str, Any]:
        """The part that two recordings of one scenario share (`report/stable.py`)."""
        from inspector.report.stable import stable

        return stable(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Report:
        """The report that `to_dict` or a JSON parser gave.

        Names this version does not know are passed over, as the format may
        grow.  A report in which a section of `CONCLUSIONS` is absent has no `hypotheses`:
        what it does not tell was never looked for.  Raises `loading.NotAReport` for
        anything else.
        """
        from inspector.report.loading import NotAReport, load

        report = load(cls, plain)
        if not all(name in plain for name in CONCLUSIONS):
            report = replace(report, hypotheses=())
        if report.schema != SCHEMA:
            raise NotAReport(f"$.schema is not {SCHEMA}")
        return report


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
