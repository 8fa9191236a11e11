"""What a rule is: what its finding means, a test of one subject, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal, TypeAlias

from inspector.diagnosis.attempts import Attempts
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.fact import Changing, Fact, field
from inspector.model.conclusions import SEVERITIES, Evidence, Finding, Severity
from inspector.model.http import Exchange
from inspector.model.network import Connection, Tunnel

#: Evidence listed for one finding; its count goes on.
LISTED: Final = 5

#: What most rules need a capture to hold (`Code.needs`).
AGENT_HOP: Final = "the call at the API proxy, plaintext"
BOTH_HOPS: Final = "the call at the API proxy and the API proxy's connections to Squid"


#: What few exchanges are: one with an event stream, an error's status, or an end that hides its
#: answer; one at a forward proxy; the second leg of a call.
Concern: TypeAlias = Literal["any", "stream", "error", "unheard", "at forward proxy", "second leg"]


class Code(Fact):
    """One kind of finding, as `inspector explain` and docs/findings.md describe it."""

    #: Its stable name in reports and policies.
    code: str
    severity: Severity
    title: str
    #: What a capture must hold before the finding can be made.
    needs: str
    meaning: str
    advice: str
    #: The golden capture that has the finding; None where no golden capture has it.
    shown_by: str | None = None


class Match(Fact):
    """One occurrence.

    `severity` replaces that of the rule's `Code`; a rule sets it on all of its matches or on
    none.  `title` names this kind of occurrence; it heads the finding if all of the worst
    occurrences have the same one.
    """

    evidence: Evidence
    severity: Severity | None = None
    title: str | None = None
    #: What to do about this occurrence; as with `title`.
    advice: str | None = None


class Tally(Changing):
    """All matches of one code.  Severity, title and evidence are those of the worst ones."""

    count: int = 0
    evidence: list[Evidence] = field(default_factory=list)
    severity: Severity | None = None
    titles: set[str | None] = field(default_factory=set)
    advices: set[str | None] = field(default_factory=set)

    def add(self, match: Match) -> None:
        """Count an occurrence."""
        if self.severity is None or _is_worse(match.severity, self.severity):
            self.severity = match.severity
            if self.severity is not None:
                self.evidence.clear()
                self.titles.clear()
                self.advices.clear()
        self.count += 1
        if match.severity != self.severity:
            return
        self.titles.add(match.title)
        if len(self.advices) < 2:
            self.advices.add(match.advice)
        if len(self.evidence) < LISTED:
            self.evidence.append(match.evidence)

    def finding(self, about: Code) -> Finding:
        """Return the finding that the report shows."""
        severity = self.severity or about.severity
        title = next(iter(self.titles)) if len(self.titles) == 1 else None
        advice = next(iter(self.advices)) if len(self.advices) == 1 else None
        evidence = tuple(self.evidence)
        return Finding(
            about.code,
            severity,
            title or about.title,
            self.count,
            evidence,
            advice or about.advice,
        )


def _is_worse(one: Severity | None, other: Severity) -> bool:
    return one is not None and SEVERITIES.index(one) < SEVERITIES.index(other)


class Rule(Fact):
    """What all kinds of rules have; `rules/` lists those of each kind."""

    #: The finding that it makes.
    about: Code

    @property
    def code(self) -> str:
        """The name of its finding."""
        return self.about.code


class Cause(Rule):
    """Explains failed calls.

    `explains` decides whether the cause holds for a call.  `sentence` and `details` describe
    all calls that it explains, given the first of them and their number.  `advice` replaces
    that of the catalogue where what to do depends on the call.
    """

    explains: Callable[[FailedCall, Case], bool]
    sentence: Callable[[FailedCall, Case, int], str]
    details: Callable[[FailedCall, Case, int], tuple[str, ...]] = lambda call, case, count: ()
    #: What the packets cannot tell, always or of one call.
    not_in_packets: str | Callable[[FailedCall], str | None] | None = None
    #: What to do about one call; without it the advice of `about`.
    advice: Callable[[FailedCall, Case], str] | None = None

    def leaves_open(self, call: FailedCall) -> str | None:
        """What of a call the packets cannot tell."""
        told = self.not_in_packets
        return told(call) if callable(told) else told

    def advises(self, call: FailedCall, case: Case) -> str:
        """What to do, told from what the call's own answer says."""
        return self.about.advice if self.advice is None else self.advice(call, case)


class OfCall(Rule):
    """Reports something about a failed call, whatever its cause is."""

    match: Callable[[FailedCall, Case], Match | None]


class OfRecovered(Rule):
    """Reports something about a failed call that a later one made good."""

    match: Callable[[FailedCall, Case], Match | None]


class OfForeign(Rule):
    """Explains connections to an API proxy's port on which no call was read.

    As a `Cause`, of connections.  `severity` replaces that of the rule's `Code`.
    """

    explains: Callable[[Connection, Case], bool]
    sentence: Callable[[Connection, Case, int], str]
    advice: str
    severity: Severity | None = None


class OfUnexplained(Rule):
    """Reports something about a failed call that no cause explains."""

    match: Callable[[FailedCall, Case], Match | None]


class OfExchange(Rule):
    """Reports something about an exchange, whether it is a call or not.

    Asked while the case takes them in, each in its turn: of what it looks for in others too, such
    as how many calls there are, the case does not know yet (`Case.close`).
    """

    match: Callable[[Exchange, Case], Match | None]
    #: Of which exchanges alone it can be true: it is not asked of others.
    of: Concern = "any"


class OfHeld(Rule):
    """Reports something about an exchange that only the whole case tells.

    Asked once all were seen, of those alone that it `concerns`: each is unpacked for it again.
    """

    concerns: Callable[[Exchange, Case], bool]
    match: Callable[[Exchange, Case], Match | None]


class OfTunnel(Rule):
    """Reports something about a tunnel."""

    match: Callable[[Tunnel, Case], Match | None]


class OfAttempts(Rule):
    """Reports something about connections that the API proxy did not accept."""

    find: Callable[[Attempts], Iterable[Match]]


class Notice(Rule):
    """Reports something about what the case has collected.

    It never iterates over the case's long lists: one pass asks all the rules above.
    """

    find: Callable[[Case], Iterable[Match]]


def of_call(call: FailedCall) -> Evidence:
    """Return where to look for a call."""
    return Evidence(
        connection=call.exchange.connection,
        exchange=call.exchange.id,
        tunnel=None if call.tunnel is None else call.tunnel.id,
        packet=call.packet,
    )


def of_exchange(exchange: Exchange) -> Evidence:
    """Return where to look for an exchange: at its request."""
    request, response = exchange.request, exchange.response
    seen = request or response
    return Evidence(
        connection=exchange.connection,
        exchange=exchange.id,
        packet=None if seen is None else seen.packet,
    )


def of_connection(connection: Connection) -> Evidence:
    """Return where to look for a connection."""
    return Evidence(connection=connection.id, packet=connection.packet)


def of_tunnel(tunnel: Tunnel) -> Evidence:
    """Return where to look for a tunnel."""
    return Evidence(connection=tunnel.connection, tunnel=tunnel.id, packet=tunnel.packet)
