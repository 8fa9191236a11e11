"""How some calls ended is not in the capture."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.outcome import outcome_of
from inspector.diagnosis.rule import Code, Match, OfExchange, of_exchange
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "capture-incomplete",
    severity="note",
    title="The capture cannot show how some calls ended",
    needs="completeness",
    meaning="The end of these calls is in a gap, or after the end of the capture.",
    advice=("Capture with full frames and a larger buffer, and stop after the agent has ended."),
    shown_by="lost-packets",
)


def match(exchange: Exchange, case: Case) -> Match | None:
    hidden = case.is_call(exchange) and outcome_of(exchange) == "unknown"
    return Match(of_exchange(exchange)) if hidden else None


NOTICE: Final = OfExchange(ABOUT, match)
