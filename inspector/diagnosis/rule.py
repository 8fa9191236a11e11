"""What a rule is: a code of the catalogue, a test of one subject, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.catalogue import CODES
from inspector.model.conclusions import SEVERITIES, Evidence, Finding, Severity
from inspector.model.http import Exchange
from inspector.model.network import Tunnel

#: Evidence listed for one finding; its count goes on.
LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class Match:
    """One occurrence.

    `severity` replaces the catalogue's; a rule gives it always or never.  `title` is that
    of an occurrence of its kind, and stands where the worst occurrences all have it.
    """

    evidence: Evidence
    severity: Severity | None = None
    title: str | None = None


@dataclass(slots=True)
class Tally:
    """What a rule found in all: as severe as the worst of it, which the evidence shows."""

    count: int = 0
    evidence: list[Evidence] = field(default_factory=list)
    severity: Severity | None = None
    titles: set[str | None] = field(default_factory=set)

    def add(self, match: Match) -> None:
        """Count an occurrence."""
        if self.severity is None or _is_worse(match.severity, self.severity):
            self.severity = match.severity
            if self.severity is not None:
                self.evidence.clear()
                self.titles.clear()
        self.count += 1
        if match.severity != self.severity:
            return
        self.titles.add(match.title)
        if len(self.evidence) < LISTED:
            self.evidence.append(match.evidence)

    def finding(self, code: str) -> Finding:
        """It as the report shows it."""
        about = CODES[code]
        severity = self.severity or about.severity
        title = next(iter(self.titles)) if len(self.titles) == 1 else None
        evidence = tuple(self.evidence)
        return Finding(code, severity, title or about.title, self.count, evidence, about.advice)


def _is_worse(one: Severity | None, other: Severity) -> bool:
    return one is not None and SEVERITIES.index(one) < SEVERITIES.index(other)


@dataclass(frozen=True, slots=True)
class Cause:
    """Explains failed calls.

    `explains` tells whether the cause holds for a call; `sentence` and `details` tell the
    story of the calls it explains, given the first of them and their number.
    """

    code: str
    explains: Callable[[FailedCall, Case], bool]
    sentence: Callable[[FailedCall, Case, int], str]
    details: Callable[[FailedCall, Case, int], tuple[str, ...]] = lambda call, case, count: ()
    not_in_packets: str | None = None


@dataclass(frozen=True, slots=True)
class OfCall:
    """Finds something worth saying of a failed call."""

    code: str
    match: Callable[[FailedCall, Case], Match | None]


@dataclass(frozen=True, slots=True)
class OfExchange:
    """Finds something worth saying of an exchange, be it a call or not."""

    code: str
    match: Callable[[Exchange, Case], Match | None]


@dataclass(frozen=True, slots=True)
class OfTunnel:
    """Finds something worth saying of a tunnel."""

    code: str
    match: Callable[[Tunnel, Case], Match | None]


@dataclass(frozen=True, slots=True)
class Notice:
    """Finds something worth saying in what the case has collected.

    Not in its long lists: those are gone through once for all the rules above.
    """

    code: str
    find: Callable[[Case], Iterable[Match]]


def of_call(call: FailedCall) -> Evidence:
    """Where to look for a call."""
    return Evidence(
        connection=call.exchange.connection,
        exchange=call.exchange.id,
        tunnel=None if call.tunnel is None else call.tunnel.id,
        packet=call.packet,
    )


def of_exchange(exchange: Exchange) -> Evidence:
    """Where to look for an exchange: where it was asked."""
    request, response = exchange.request, exchange.response
    seen = request or response
    return Evidence(
        connection=exchange.connection,
        exchange=exchange.id,
        packet=None if seen is None else seen.packet,
    )


def of_tunnel(tunnel: Tunnel) -> Evidence:
    """Where to look for a tunnel."""
    return Evidence(connection=tunnel.connection, tunnel=tunnel.id, packet=tunnel.packet)
