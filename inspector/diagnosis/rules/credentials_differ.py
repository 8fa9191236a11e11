"""Two credentials of one request have different values."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfExchange, of_exchange
from inspector.model.http import Exchange


def match(exchange: Exchange, case: Case) -> Match | None:
    request = exchange.request
    if request is None or not case.is_call(exchange):
        return None
    return (
        Match(of_exchange(exchange))
        if len({auth.credential.fingerprint for auth in request.auth}) > 1
        else None
    )


NOTICE: Final = OfExchange("credentials-differ", match)
