"""Two credentials of one request have different values."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfExchange, of_exchange
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "credentials-differ",
    severity="note",
    title="A request carries two credentials that differ",
    needs="the head of a request",
    meaning=(
        "Two credential headers have different values. Measured: this breaks nothing by itself."
    ),
    advice="Nothing; set both alike to be sure which one is meant.",
    shown_by="h2-two-placeholders",
)


def match(exchange: Exchange, case: Case) -> Match | None:
    request = exchange.request
    if request is None or len(request.auth) < 2 or not case.is_call(exchange):
        return None
    return (
        Match(of_exchange(exchange))
        if len({auth.credential.fingerprint for auth in request.auth}) > 1
        else None
    )


NOTICE: Final = OfExchange(ABOUT, match)
