"""All events of a stream arrived in one moment, after a wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice

#: So many events do not come at once by themselves ...
EVENTS: Final = 5
#: ... after a wait of a second.
WAIT: Final = 1_000_000_000


def find(case: Case) -> Iterator[Match]:
    for exchange in case.exchanges:
        request, response = exchange.request, exchange.response
        if request is None or response is None or response.stream is None:
            continue
        stream, asked = response.stream, request.ended_at
        if stream.events < EVENTS or stream.first_event_at is None or asked is None:
            continue
        if stream.first_event_at == stream.last_event_at and stream.first_event_at - asked > WAIT:
            yield Match(Evidence(exchange.connection, exchange.id, packet=response.packet))


NOTICE: Final = Notice("stream-buffered", find)
