"""A version other than the one every client sends."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfExchange, of_exchange
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "anthropic-version-unusual",
    severity="note",
    title="An anthropic-version other than 2023-06-01",
    needs="the head of a request",
    meaning="The header goes through unchanged. An API that does not know it answers 400.",
    advice="Nothing, as long as the calls succeed.",
    shown_by="h1-newer-version",
)

#: The version of the Messages API since its beginning (its reference, "Versions").
KNOWN: Final = "2023-06-01"


def match(exchange: Exchange, case: Case) -> Match | None:
    request = exchange.request
    if request is None or request.steering.get("anthropic-version", KNOWN) == KNOWN:
        return None
    is_meant = exchange.provider == "anthropic" and case.is_call(exchange)
    return Match(of_exchange(exchange)) if is_meant else None


NOTICE: Final = OfExchange(ABOUT, match)
