"""The hypotheses with their deciding fact, and the findings beside the root cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from inspector.fact import Fact, replace
from inspector.model.conclusions import (
    SEVERITIES,
    Evidence,
    Finding,
    HypothesisId,
    HypothesisVerdict,
    Severity,
)
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.view import View

#: Longest deciding fact that is shown, in characters (it ought to have 60).
_FACT: Final = 160

#: The questions in a few words; the whole question stands in the JSON.
LABELS: Final[Mapping[HypothesisId, str]] = {
    "H1": "header/path mismatch",
    "H2": "two placeholders",
    "H3": "SSE mangled",
    "H4a": "200s taken for answers",
    "H4b": "API error inside",
}


class VerdictRow(Fact):
    """A hypothesis: its verdict, and the fact that decides it."""

    id: str
    label: str
    verdict: HypothesisVerdict
    because: str
    further: tuple[str, ...]


class FindingRow(Fact):
    """A finding in one row; `where` names ids, or packets where there is none."""

    severity: Severity
    code: str
    count: int
    title: str
    where: str
    advice: str


def verdict_rows(view: View) -> tuple[VerdictRow, ...]:
    """The hypotheses in their own order."""
    return tuple(
        VerdictRow(
            id=hypothesis.id,
            label=LABELS.get(hypothesis.id, clipped(hypothesis.question, _FACT)),
            verdict=hypothesis.verdict,
            because=clipped(hypothesis.because[0], _FACT) if hypothesis.because else "",
            further=tuple(clipped(fact, _FACT) for fact in hypothesis.because[1:]),
        )
        for hypothesis in view.report.hypotheses
    )


def told_together(rows: Sequence[VerdictRow]) -> Sequence[VerdictRow]:
    """The rows, or one in their place where all say the same: mostly that no call failed."""
    if len(rows) < 2 or len({(row.verdict, row.because, row.further) for row in rows}) > 1:
        return rows
    first, last = rows[0], rows[-1]
    return [replace(first, id=f"{first.id}-{last.id}", label="all questions")]


def finding_rows(view: View, least: Severity = "note") -> tuple[FindingRow, ...]:
    """Findings of severity `least` or above, the worst first; the root cause is told elsewhere."""
    cause = view.report.root_cause
    shown = SEVERITIES[: SEVERITIES.index(least) + 1]
    return tuple(
        FindingRow(
            severity=finding.severity,
            code=clipped(finding.code, words.CELL),
            count=finding.count,
            title=clipped(finding.title, words.MESSAGE),
            where=where(view, finding),
            advice=clipped(finding.advice, words.MESSAGE),
        )
        for finding in sorted(view.report.findings, key=lambda f: SEVERITIES.index(f.severity))
        if finding.severity in shown and (cause is None or finding.code != cause.code)
    )


def where(view: View, finding: Finding) -> str:
    """The ids of the first few pieces of evidence."""
    places = list(dict.fromkeys(filter(None, (_place(view, e) for e in finding.evidence))))
    # Evidence is listed up to a limit; the count goes on.
    unlisted = max(0, finding.count - len(finding.evidence))
    return words.some(places, unlisted)


def _place(view: View, evidence: Evidence) -> str:
    if evidence.exchange is not None:
        return clipped(view.call(evidence.exchange), 20)
    if evidence.tunnel is not None:
        return clipped(evidence.tunnel, 20)
    if evidence.packet is not None:
        return f"packet {view.packets([evidence.packet])}"
    return clipped(evidence.connection or "", 20)
