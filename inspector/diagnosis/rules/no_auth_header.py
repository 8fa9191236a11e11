"""A call whose head is whole and holds no credential."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfHeld, of_exchange
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "no-auth-header",
    severity="note",
    title="A call without any credential",
    needs="the head of a request, whole",
    meaning=(
        "The client sent no credential. Behind the API proxy that is harmless: it writes its own."
        " An error where the answer shows that nobody did: 401 of the API proxy, or 401 or 403 of"
        " the API about no credential that it was sent."
    ),
    advice=(
        "Nothing, as long as the calls succeed; else give the client a placeholder, and the API"
        " proxy the provider's key."
    ),
)

#: Words of an API about a credential that it was sent: then the API proxy did add one.
_JUDGED: Final = ("invalid", "incorrect", "not valid", "expired", "revoked")


def concerns(exchange: Exchange, case: Case) -> bool:
    """Who answered is told by the call's chain."""
    return exchange.request is not None and not exchange.request.auth


def match(exchange: Exchange, case: Case) -> Match | None:
    """An error where the answer shows that one was needed and nobody added it, else a note."""
    request = exchange.request
    if request is None or request.auth or not request.complete or request.method != "POST":
        return None
    if not case.is_call(exchange):
        return None
    return Match(of_exchange(exchange), "error" if _was_needed(exchange, case) else "note")


def _was_needed(exchange: Exchange, case: Case) -> bool:
    """401 of whoever, or the API's 403; the API proxy's 403 is a guard's or about its own key."""
    response = exchange.response
    if response is None or response.status not in (401, 403):
        return False
    by = case.answerer(exchange)
    if by == "api-proxy":
        return response.status == 401
    error = response.api_error
    message = "" if error is None else (error.message or "").lower()
    return by == "upstream" and not any(word in message for word in _JUDGED)


NOTICE: Final = OfHeld(ABOUT, concerns, match)
