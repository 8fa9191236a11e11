"""What follows from the facts: hops joined, hypotheses decided, findings, the root cause.

A conclusion says what it rests on, as evidence that a reader can look up in the packets, and
holds no text that was not scrubbed of credentials before.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.model.ids import ChainId, ConnectionId, ExchangeId, TunnelId

AnsweredBy: TypeAlias = Literal["upstream", "api-proxy", "forward-proxy", "nobody", "unknown"]
Severity: TypeAlias = Literal["error", "warning", "note"]
HypothesisId: TypeAlias = Literal["H1", "H2", "H3", "H4a", "H4b"]
HypothesisVerdict: TypeAlias = Literal["confirmed", "refuted", "not observable", "no traffic"]
HeaderFate: TypeAlias = Literal["passed", "stripped", "injected", "replaced", "changed"]
Witness: TypeAlias = Literal["forward-proxy", "api-proxy"]
#: A code of the catalogue (docs/findings.md).  A later version may have more.
FindingCode: TypeAlias = Annotated[str, "FindingCode"]
DisagreementKind: TypeAlias = Literal["empty-tunnel", "status-differs", "not-captured"]

#: From the worst to the mildest.
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")

#: The confidence from which a chain may be relied on.
RELIABLE: Final = 0.8


class Evidence(Fact):
    """Where to look: ids of this report, and the packet that shows it best."""

    connection: ConnectionId | None = None
    """A connection."""
    exchange: ExchangeId | None = None
    """An exchange."""
    tunnel: TunnelId | None = None
    """A tunnel."""
    packet: int | None = None
    """The packet that shows it best."""


class HeaderChange(Fact):
    """What became of a header field between the client's request and the API's."""

    name: str
    """The field's name, in lower case."""
    change: HeaderFate
    """Whether it was passed on as it was, taken off, added, or given another value.

    "replaced" is said of credentials, "changed" of all else.
    """
    client: str | None
    """Its value as the client sent it, shown as in the exchange; null where it did not."""
    upstream: str | None
    """Its value as the API got it; null where it did not."""


class StreamLeg(Fact):
    """An answer on one of its two legs."""

    events: int | None
    """Events of its stream; null where it is none."""
    bytes: int
    """Bytes of its body on the wire."""
    first_byte_at: int
    """When its first byte came."""
    longest_silence: float | None
    """The longest time between two pieces of its stream, in seconds."""


class StreamDiff(Fact):
    """The same answer as the agent got it and as the API sent it."""

    agent: StreamLeg
    """On the agent's leg."""
    upstream: StreamLeg
    """Inside the tunnel."""


class Chain(Fact):
    """An agent's call joined with the tunnel that the API proxy opened for it."""

    id: ChainId
    """`h1`, `h2`, … in the order of the calls."""
    agent_exchange: ExchangeId
    """The call's leg at the API proxy: the second one when it came through the forward proxy."""
    tunnel: TunnelId | None
    """The tunnel that carried the answer; null when there was none, or none can be told."""
    attempts: tuple[TunnelId, ...]
    """Tunnels opened for the call before that one, in their order: the API proxy's own retries."""
    confidence: float
    """How sure the whole statement is, from 0 to 1, also that of "no tunnel".

    From 0.8 on it may be relied on.
    """
    reasons: tuple[str, ...]
    """Why, each a phrase, in an order that stays."""
    answered_by: AnsweredBy
    """Who wrote the answer that the agent got."""
    status: int | None
    """The status that the agent got; null without an answer."""
    upstream_exchanges: tuple[ExchangeId, ...] = ()
    """What the API proxy asked for it, in that order, as read inside its tunnels."""
    header_diff: tuple[HeaderChange, ...] = ()
    """What the client sent, in its order, and what the API got besides in the last of these."""
    stream_diff: StreamDiff | None = None
    """The answer on both legs, where one is an event stream."""


class Finding(Fact):
    """Something worth saying."""

    code: FindingCode
    """Its stable name (docs/findings.md)."""
    severity: Severity
    """How bad it is."""
    title: str
    """What it says, in one line."""
    count: int
    """How often it occurs."""
    evidence: tuple[Evidence, ...]
    """The first few occurrences, in the order in which they were found."""
    advice: str
    """What to do."""


class RuledOut(Fact):
    """Another cause that one could think of, and the fact that excludes it."""

    what: str
    """The other cause."""
    because: str
    """The fact."""


class CauseGroup(Fact):
    """Failed calls that are equal, and what explains them."""

    code: FindingCode
    """The finding's code."""
    count: int
    """How many they are."""
    sentence: str
    """What happened, in one sentence."""
    advice: str
    """What to do about these."""
    evidence: Evidence
    """Where the first of them is."""


class RootCause(Fact):
    """The finding nearest to the origin that explains most failed agent calls."""

    code: FindingCode
    """The finding's code."""
    explains: int
    """Failed calls that it explains."""
    of: int
    """All failed calls."""
    sentence: str
    """The whole story in one sentence."""
    ruled_out: tuple[RuledOut, ...]
    """Other causes that the capture excludes, in an order that stays."""
    details: tuple[str, ...] = ()
    """Further facts, each a sentence with its packets, in the order of reading."""
    not_in_packets: str | None = None
    """What the capture cannot tell of it."""
    advice: str = ""
    """What to do next."""
    evidence: tuple[Evidence, ...] = ()
    """Where to look, the most telling place first."""
    others: tuple[CauseGroup, ...] = ()
    """The other groups of equal failed calls, heaviest first, of this cause or another.

    `sentence` and `details` are about the heaviest group of the cause.
    """


class Hypothesis(Fact):
    """One of the questions that every report answers, and the facts that decide it."""

    id: HypothesisId
    """Its name."""
    question: str
    """The question."""
    verdict: HypothesisVerdict
    """The answer."""
    because: tuple[str, ...]
    """The facts; the first one decides, in 60 characters at most."""
    evidence: tuple[Evidence, ...]
    """Where to look, the most telling place first."""
    exchanges: tuple[ExchangeId, ...] = ()
    """The calls that the verdict holds for, in their order."""


class Testimony(Fact):
    """A log line and what it is about."""

    witness: Witness
    """Whose log."""
    line: int
    """Its line, counted from 1 within its file."""
    logged_at: int
    """The line's time."""
    tunnel: TunnelId | None
    """The tunnel it is about."""
    exchange: ExchangeId | None
    """The exchange it is about."""
    status: int | None
    """The status it states."""
    decision: str
    """Squid's decision (`TCP_TUNNEL:HIER_DIRECT`), or the API proxy's event."""
    file: str | None = None
    """The name of the log's file, without its directory; null in reports before 2.2."""


class Disagreement(Fact):
    """Where a log and the packets tell different things."""

    kind: DisagreementKind
    """"empty-tunnel": logged as 200, and not one byte came back through it.

    "not-captured": logged, and no packet of it is there.
    """
    witness: Witness
    """Whose log."""
    line: int
    """Its line, counted from 1 within its file."""
    logged_at: int
    """The line's time."""
    logged_status: int | None
    """The status in the log."""
    captured_status: int | None
    """The status in the packets."""
    evidence: Evidence
    """Where to look."""
    file: str | None = None
    """The name of the log's file, without its directory; null in reports before 2.2."""


class Witnesses(Fact):
    """What the logs beside the packets say.

    A call or tunnel without a line is no disagreement: Squid writes when a tunnel closes.
    """

    squid_lines: int
    """Lines of Squid's log that were read."""
    api_proxy_lines: int
    """Lines of the API proxy's log that were read."""
    unread_lines: int
    """Lines in no known format."""
    joined: tuple[Testimony, ...]
    """The first few thousand lines that are about something in the packets.

    Squid's in the order in which they were read, then the API proxy's.
    """
    disagreements: tuple[Disagreement, ...]
    """Where a log and the packets tell different things, in the order of the lines' times."""
    notes: tuple[str, ...] = ()
    """What else to know of the logs, each a sentence, in the order of the logs."""
    policy_rules: int | None = None
    """Rules of the firewall's `policy-manifest.json` that denials were held against.

    Null without that file, and in reports before 2.2.
    """
