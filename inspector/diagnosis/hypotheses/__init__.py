"""The five questions that every report answers.

Each hypothesis judges every failed call; the verdict is the strongest of these judgements:
confirmed for one call is confirmed, and what cannot be seen for one is not refuted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from inspector.conclusions import Evidence, Hypothesis, HypothesisId, HypothesisVerdict
from inspector.diagnosis.case import Call, Case
from inspector.diagnosis.hypotheses import h1, h2, h3, h4a, h4b
from inspector.diagnosis.hypotheses.judgement import Judgement
from inspector.diagnosis.rule import LISTED, of_call

#: Calls named for one verdict.
_NAMED: Final = 20
_STRENGTH: Final[tuple[HypothesisVerdict, ...]] = ("confirmed", "not observable", "refuted")


@dataclass(frozen=True, slots=True)
class _Question:
    id: HypothesisId
    question: str
    judge: Callable[[Call, Case], Judgement]
    #: What is said of calls that got no connection.
    of_attempts: Callable[[Case], Judgement]


QUESTIONS: Final[tuple[_Question, ...]] = (
    _Question("H1", h1.QUESTION, h1.judge, h1.of_attempts),
    _Question("H2", h2.QUESTION, h2.judge, h2.of_attempts),
    _Question("H3", h3.QUESTION, h3.judge, h3.of_attempts),
    _Question("H4a", h4a.QUESTION, h4a.judge, h4a.of_attempts),
    _Question("H4b", h4b.QUESTION, h4b.judge, h4b.of_attempts),
)


def decide(case: Case, attempts: int) -> tuple[Hypothesis, ...]:
    """The verdicts; `attempts` counts calls that got no connection at all."""
    return tuple(_decide(question, case, attempts) for question in QUESTIONS)


def _decide(question: _Question, case: Case, attempts: int) -> Hypothesis:
    counts: dict[tuple[HypothesisVerdict, str], int] = {}
    evidence: dict[HypothesisVerdict, list[Evidence]] = {}
    names: dict[HypothesisVerdict, list[str]] = {}
    for call in case.failed_calls():
        judged = question.judge(call, case)
        key = (judged.verdict, judged.because)
        counts[key] = counts.get(key, 0) + 1
        listed = evidence.setdefault(judged.verdict, [])
        if len(listed) < LISTED:
            listed.append(of_call(call))
        named = names.setdefault(judged.verdict, [])
        if len(named) < _NAMED:
            named.append(call.exchange.id)
    if attempts:
        judged = question.of_attempts(case)
        key = (judged.verdict, judged.because)
        counts[key] = counts.get(key, 0) + attempts
    if not counts:
        return _without_failures(question, case)
    verdict = next(name for name in _STRENGTH if any(key[0] == name for key in counts))
    reasons = sorted((key for key in counts if key[0] == verdict), key=lambda key: -counts[key])
    others = (key[1] for key in counts if key[0] != verdict)
    return Hypothesis(
        question.id,
        question.question,
        verdict,
        because=(*(reason for _, reason in reasons), *others),
        evidence=tuple(evidence.get(verdict, ())),
        exchanges=tuple(names.get(verdict, ())),
    )


def _without_failures(question: _Question, case: Case) -> Hypothesis:
    verdict: HypothesisVerdict
    if case.unknown:
        verdict, because = "not observable", f"{len(case.unknown)} calls end outside the capture"
    elif case.is_lossy:
        verdict, because = "not observable", "packets lack; a call that failed may be among them"
    elif case.succeeded:
        verdict, because = "refuted", f"no call failed, {case.succeeded} of {case.calls} went well"
    elif case.established > case.proxy_established:
        verdict, because = "not observable", "the agent's own tunnels need keys"
    else:
        verdict, because = "no traffic", "no API call in the capture"
    return Hypothesis(question.id, question.question, verdict, (because,), ())
