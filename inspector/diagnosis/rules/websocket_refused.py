"""An offered WebSocket was refused; clients fall back to POST."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.recovery import offers
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, OfExchange, of_exchange
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "websocket-refused",
    severity="note",
    title="A WebSocket was offered and refused",
    needs=AGENT_HOP,
    meaning=(
        "The client asked to change to WebSocket, and the answer is an error (426, 405, 404, 400)."
        " Codex begins so and makes the same call by POST at once."
    ),
    advice=(
        "Nothing, where the call succeeds by POST; else let the client begin with HTTP (in Codex's"
        " config.toml: supports_websockets = false of the model provider)."
    ),
    shown_by="upgrade-refused",
)


def match(exchange: Exchange, case: Case) -> Match | None:
    request, response = exchange.request, exchange.response
    if request is None or response is None or response.status < 400:
        return None
    refused = offers(request) == "websocket" and case.is_call(exchange)
    return Match(of_exchange(exchange)) if refused else None


NOTICE: Final = OfExchange(ABOUT, match, "error")
