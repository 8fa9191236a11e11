"""What follows from the facts: hops joined, hypotheses decided, findings, the root cause.

Like `facts.py` this is the report's own language (`inspector.report/1`): field
names are the JSON's.  A conclusion always says what it rests on, as evidence
that a reader can look up in the packets, and holds no text that was not
scrubbed of credentials before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

AnsweredBy: TypeAlias = Literal["upstream", "api-proxy", "forward-proxy", "nobody", "unknown"]
Severity: TypeAlias = Literal["error", "warning", "note"]
HypothesisId: TypeAlias = Literal["H1", "H2", "H3", "H4a", "H4b"]
HypothesisVerdict: TypeAlias = Literal["confirmed", "refuted", "not observable", "no traffic"]
Witness: TypeAlias = Literal["forward-proxy", "api-proxy"]
DisagreementKind: TypeAlias = Literal["empty-tunnel", "status-differs", "not-captured"]

#: From the worst to the mildest.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where to look: ids of this report, and the packet that shows it best."""

    connection: str | None = None
    exchange: str | None = None
    tunnel: str | None = None
    packet: int | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """An agent's call joined with the tunnel that the API proxy opened for it.

    `agent_exchange` is the call's leg at the API proxy (the second leg when it
    came through the forward proxy).  `tunnel` is the one that carried the
    answer, or null when none was opened for the call or none can be told;
    `attempts` are tunnels opened for it before that one (the proxy's retries).
    `confidence` is that of the whole statement, also of "no tunnel", from 0 to
    1; from 0.8 on it may be relied on.  `status` is what the agent got, null
    for no answer.
    """

    id: str
    agent_exchange: str
    tunnel: str | None
    attempts: tuple[str, ...]
    confidence: float
    reasons: tuple[str, ...]
    answered_by: AnsweredBy
    status: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth saying, with a documented code (docs/findings.md).

    `count` counts all occurrences; `evidence` lists the first few.
    """

    code: str
    severity: Severity
    title: str
    count: int
    evidence: tuple[Evidence, ...]
    advice: str


@dataclass(frozen=True, slots=True)
class RuledOut:
    """Another cause that one could think of, and the fact that excludes it."""

    what: str
    because: str


@dataclass(frozen=True, slots=True)
class RootCause:
    """The finding nearest to the origin that explains most failed agent calls.

    `explains` counts the failed calls it explains, `of` all failed calls.
    `sentence` is the whole story in one; `details` are further facts, each a
    sentence with its packets; `not_in_packets` says what the capture cannot
    tell of it, `advice` what to do next.
    """

    code: str
    explains: int
    of: int
    sentence: str
    ruled_out: tuple[RuledOut, ...]
    details: tuple[str, ...] = ()
    not_in_packets: str | None = None
    advice: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One of the questions that every report answers, and the facts that decide it.

    `because[0]` is the deciding fact, in at most 60 characters; `exchanges`
    names the calls the verdict holds for.
    """

    id: HypothesisId
    question: str
    verdict: HypothesisVerdict
    because: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    exchanges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Testimony:
    """A log line and what it is about; `line` counts from 1 within its file.

    `decision` is Squid's (`TCP_TUNNEL:HIER_DIRECT`) or the API proxy's event.
    """

    witness: Witness
    line: int
    logged_at: int
    tunnel: str | None
    exchange: str | None
    status: int | None
    decision: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where a log and the packets tell different things.

    "empty-tunnel": logged as 200, and not one byte came back through it;
    "status-differs"; "not-captured": logged, and no packet of it is there.
    """

    kind: DisagreementKind
    witness: Witness
    line: int
    logged_at: int
    logged_status: int | None
    captured_status: int | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What the logs beside the packets say; `joined` lists the first few thousand lines.

    `unread_lines` counts lines in no known format.  A call or tunnel without a
    line is no disagreement: Squid writes when a tunnel closes.
    """

    squid_lines: int
    api_proxy_lines: int
    unread_lines: int
    joined: tuple[Testimony, ...]
    disagreements: tuple[Disagreement, ...]
    notes: tuple[str, ...] = ()
