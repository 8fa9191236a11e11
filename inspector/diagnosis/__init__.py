"""Diagnosis: findings, the root cause and the five hypotheses, each with where to look.

`diagnose(case)` asks every rule of `rules/` and every hypothesis of `hypotheses/` about one
`Case`.  Nothing here reads packets: a conclusion rests on facts, and names them.
"""

from __future__ import annotations

from dataclasses import dataclass

from inspector.conclusions import SEVERITIES, Finding, Hypothesis, RootCause
from inspector.diagnosis.attempts import classify
from inspector.diagnosis.case import Case as Case
from inspector.diagnosis.hypotheses import decide
from inspector.diagnosis.root_cause import Explained, root_cause
from inspector.diagnosis.rule import Match, Tally, of_call
from inspector.diagnosis.rules import CAUSES, NOTICES


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What follows from a case.  Findings are in order of severity, then of the catalogue."""

    findings: tuple[Finding, ...]
    hypotheses: tuple[Hypothesis, ...]
    root_cause: RootCause | None


def diagnose(case: Case) -> Diagnosis:
    """Everything that the rules and hypotheses say of a case."""
    explained: dict[str, Explained] = {}
    unexplained = 0
    for call in case.failed_calls():
        cause = next((cause for cause in CAUSES if cause.explains(call, case)), None)
        if cause is None:
            unexplained += 1
            continue
        found = explained.setdefault(cause.code, Explained(cause, call))
        found.tally.add(Match(of_call(call)))
    findings = {code: found.tally.finding(code) for code, found in explained.items()}
    for notice in NOTICES:
        tally = Tally()
        for match in notice.find(case):
            tally.add(match)
        if tally.count:
            findings.setdefault(notice.code, tally.finding(notice.code))
    attempts = classify(case)
    return Diagnosis(
        tuple(sorted(findings.values(), key=lambda item: SEVERITIES.index(item.severity))),
        decide(case, len(attempts.refused)),
        root_cause(case, explained, unexplained, attempts, findings),
    )
