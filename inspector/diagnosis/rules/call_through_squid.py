"""A call for the API proxy whose first leg goes to Squid."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfExchange, of_exchange
from inspector.model.http import Exchange


def match(exchange: Exchange, case: Case) -> Match | None:
    return Match(of_exchange(exchange)) if exchange.relays is not None else None


NOTICE: Final = OfExchange("call-through-squid", match)
