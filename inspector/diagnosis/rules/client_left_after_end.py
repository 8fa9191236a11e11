"""The client did not wait for the last chunk behind the last event: healthy."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, OfExchange, of_exchange
from inspector.model.http import Exchange
from inspector.model.network import BY_CLIENT

ABOUT: Final = Code(
    "client-left-after-end",
    severity="note",
    title="The client left after the stream's last event",
    needs=AGENT_HOP,
    meaning=(
        "Healthy: the terminal event had come, and the client did not wait for the last chunk."
    ),
    advice="Nothing.",
    shown_by="client-leaves-after-done",
)


def match(exchange: Exchange, case: Case) -> Match | None:
    response = exchange.response
    if response is None or response.complete or response.stream is None:
        return None
    by_client = exchange.ended_by in BY_CLIENT
    return Match(of_exchange(exchange)) if response.stream.terminated and by_client else None


NOTICE: Final = OfExchange(ABOUT, match, "stream")
