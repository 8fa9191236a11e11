"""A call whose head is whole and holds no credential."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfExchange, of_exchange
from inspector.facts import Exchange


def match(exchange: Exchange, case: Case) -> Match | None:
    request = exchange.request
    if request is None or not case.is_call(exchange):
        return None
    bare = request.complete and not request.auth and request.method == "POST"
    return Match(of_exchange(exchange)) if bare else None


NOTICE: Final = OfExchange("no-auth-header", match)
