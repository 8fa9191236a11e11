"""A malformed credential in a call that went well all the same."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfExchange, of_exchange
from inspector.diagnosis.rules.credential_malformed import is_malformed
from inspector.model.http import Exchange


def match(exchange: Exchange, case: Case) -> Match | None:
    """A failed one has it for its cause, or fails of something else."""
    request = exchange.request
    if request is None or not case.is_call(exchange):
        return None
    return Match(of_exchange(exchange), "note") if any(map(is_malformed, request.auth)) else None


NOTICE: Final = OfExchange("credential-malformed", match)
