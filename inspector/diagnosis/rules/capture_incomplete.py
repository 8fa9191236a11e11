"""How some calls ended is not in the capture."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.outcome import HIDING, outcome_of
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
    if exchange.ended_by not in HIDING or not case.is_call(exchange):
        return None
    return Match(of_exchange(exchange)) if outcome_of(exchange) == "unknown" else None


NOTICE: Final = OfExchange(ABOUT, match, "unheard")
