"""How some calls ended is not in the capture."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.outcome import outcome_of
from inspector.diagnosis.rule import Match, OfExchange, of_exchange
from inspector.model.http import Exchange


def match(exchange: Exchange, case: Case) -> Match | None:
    hidden = case.is_call(exchange) and outcome_of(exchange) == "unknown"
    return Match(of_exchange(exchange)) if hidden else None


NOTICE: Final = OfExchange("capture-incomplete", match)
