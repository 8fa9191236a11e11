"""The five questions that every report answers.

Each hypothesis judges every failed call; the verdict is the strongest of these judgements:
confirmed for one call is confirmed, and what cannot be seen for one is not refuted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.hypotheses import h1, h2, h3, h4a, h4b
from inspector.diagnosis.hypotheses.judgement import Judgement, not_observable
from inspector.diagnosis.rule import LISTED, of_call
from inspector.fact import Changing, Fact, field
from inspector.model.conclusions import Evidence, Hypothesis, HypothesisId, HypothesisVerdict
from inspector.model.ids import ExchangeId

#: Calls named for one verdict.
_NAMED: Final = 20
#: Reasons given for one verdict, the most frequent first.
_REASONS: Final = 5
#: Different reasons kept apart; some name their call, and there may be many.
_KEPT: Final = 64
_STRENGTH: Final[tuple[HypothesisVerdict, ...]] = ("confirmed", "not observable", "refuted")


class _Question(Fact):
    id: HypothesisId
    question: str
    speaks_about: str
    judge: Callable[[FailedCall, Case], Judgement]
    #: What is said of calls that got no connection.
    of_attempts: Callable[[Case], Judgement]
    #: It is about what the call's own connection carried.
    of_what_was_said: bool = True


QUESTIONS: Final[tuple[_Question, ...]] = (
    _Question("H1", h1.QUESTION, h1.SPEAKS_ABOUT, h1.judge, h1.of_attempts),
    _Question("H2", h2.QUESTION, h2.SPEAKS_ABOUT, h2.judge, h2.of_attempts),
    _Question("H3", h3.QUESTION, h3.SPEAKS_ABOUT, h3.judge, h3.of_attempts),
    _Question("H4a", h4a.QUESTION, h4a.SPEAKS_ABOUT, h4a.judge, h4a.of_attempts, False),
    _Question("H4b", h4b.QUESTION, h4b.SPEAKS_ABOUT, h4b.judge, h4b.of_attempts),
)


class _Judged(Changing):
    """What was said of all calls about one question."""

    counts: dict[Judgement, int] = field(default_factory=dict)
    evidence: dict[HypothesisVerdict, list[Evidence]] = field(default_factory=dict)
    names: dict[HypothesisVerdict, list[ExchangeId]] = field(default_factory=dict)

    def add(self, judged: Judgement, call: FailedCall) -> None:
        if judged not in self.counts and len(self.counts) >= _KEPT:
            alike = (key for key in self.counts if key.verdict == judged.verdict)
            judged = next(alike, judged)
        self.counts[judged] = self.counts.get(judged, 0) + 1
        listed = self.evidence.setdefault(judged.verdict, [])
        if len(listed) < LISTED:
            listed.append(of_call(call))
        named = self.names.setdefault(judged.verdict, [])
        if len(named) < _NAMED:
            named.append(call.exchange.id)


class Trial:
    """Judges the failed calls one by one, then says the verdicts."""

    def __init__(self) -> None:
        self._judged = [_Judged() for _ in QUESTIONS]

    def judge(self, call: FailedCall, case: Case) -> None:
        """Judge one failed call by each hypothesis."""
        doubt = case.not_read.doubted(call)
        for question, judged in zip(QUESTIONS, self._judged, strict=True):
            if doubt is not None and question.of_what_was_said:
                said = f"its connection was not read whole ({doubt.replace('-', ' ')})"
                judged.add(not_observable(said), call)
            else:
                judged.add(question.judge(call, case), call)

    def verdicts(self, case: Case, attempts: int) -> tuple[Hypothesis, ...]:
        """Return the verdicts.  `attempts` counts calls that got no connection at all."""
        return tuple(
            _decide(question, judged, case, attempts)
            for question, judged in zip(QUESTIONS, self._judged, strict=True)
        )


def _decide(question: _Question, judged: _Judged, case: Case, attempts: int) -> Hypothesis:
    counts = dict(judged.counts)
    if attempts:
        of_attempts = question.of_attempts(case)
        counts[of_attempts] = counts.get(of_attempts, 0) + attempts
    if not counts:
        return _without_failures(question, case)
    verdict = next(name for name in _STRENGTH if any(key.verdict == name for key in counts))
    reasons = sorted(
        (key for key in counts if key.verdict == verdict), key=lambda key: -counts[key]
    )
    others = (key.because for key in counts if key.verdict != verdict)
    return Hypothesis(
        question.id,
        question.question,
        verdict,
        because=(*(key.because for key in reasons[:_REASONS]), *list(others)[:_REASONS]),
        evidence=tuple(judged.evidence.get(verdict, ())),
        exchanges=tuple(judged.names.get(verdict, ())),
    )


def _without_failures(question: _Question, case: Case) -> Hypothesis:
    verdict: HypothesisVerdict
    if not case.completeness.packets:
        verdict, because = "not observable", "no packet was captured"
    elif case.unknown:
        verdict, because = "not observable", "a call ends outside the capture"
        if len(case.unknown) > 1:
            because = f"{len(case.unknown)} calls end outside the capture"
    elif case.not_read.lacks_packets and case.not_read.may_hide_calls:
        verdict, because = "not observable", "packets are missing; a failed call may be among them"
    elif case.unread_calls:
        verdict = "not observable"
        because = (
            f"answers to {case.unread_calls} of {case.calls} calls are in no form that is read"
        )
    elif case.not_read.may_hide_calls or case.contacts.foreign:
        verdict, because = "not observable", "not all was read; what was not may hold a failed call"
    elif case.succeeded:
        verdict, because = "refuted", f"no call failed, {case.succeeded} of {case.calls} went well"
        if case.recovered:
            because = f"no call failed for good: {len(case.recovered)} of {case.calls} made good"
    elif case.connects.sealed_of_others:
        verdict, because = "not observable", "what the agent's own tunnels carried is encrypted"
    elif case.connects.read_in_part_of_others:
        verdict, because = "not observable", "the agent's own tunnels were not read whole"
    elif case.connects.read_of_others:
        verdict, because = (
            "no traffic",
            "no call to the API proxy; the agent's own tunnels were read",
        )
    else:
        verdict, because = "no traffic", "no API call in the capture"
    return Hypothesis(question.id, question.question, verdict, (because,), ())
