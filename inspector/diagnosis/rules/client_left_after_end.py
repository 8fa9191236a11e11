"""The client did not wait for the last chunk behind the last event: healthy."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfExchange, of_exchange
from inspector.model.http import Exchange


def match(exchange: Exchange, case: Case) -> Match | None:
    response = exchange.response
    if response is None or response.complete or response.stream is None:
        return None
    by_client = exchange.ended_by in ("client", "reset-by-client")
    return Match(of_exchange(exchange)) if response.stream.terminated and by_client else None


NOTICE: Final = OfExchange("client-left-after-end", match)
