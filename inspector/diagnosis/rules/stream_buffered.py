"""All events of a stream arrived in one moment, after a wait."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, OfExchange, of_exchange
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "stream-buffered",
    severity="note",
    title="A stream's events came all at once",
    needs=AGENT_HOP,
    meaning="Five or more events arrived in one moment after a wait of a second or more.",
    advice="Look for something that buffers: a proxy, a compressor.",
    shown_by="h3-proxy-buffers",
)

#: So many events do not come at once by themselves ...
EVENTS: Final = 5
#: ... after a wait of a second.
WAIT: Final = 1_000_000_000


def match(exchange: Exchange, case: Case) -> Match | None:
    request, response = exchange.request, exchange.response
    if request is None or response is None or response.stream is None:
        return None
    stream, asked = response.stream, request.ended_at
    if stream.events < EVENTS or stream.first_event_at is None or asked is None:
        return None
    at_once = stream.first_event_at == stream.last_event_at
    return (
        Match(of_exchange(exchange)) if at_once and stream.first_event_at - asked > WAIT else None
    )


NOTICE: Final = OfExchange(ABOUT, match, "stream")
