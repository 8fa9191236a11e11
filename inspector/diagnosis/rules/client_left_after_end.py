"""The client did not wait for the last chunk behind the last event: healthy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for exchange in case.exchanges:
        response = exchange.response
        if response is None or response.complete or response.stream is None:
            continue
        if response.stream.terminated and exchange.ended_by in ("client", "reset-by-client"):
            yield Match(Evidence(exchange.connection, exchange.id, packet=response.packet))


NOTICE: Final = Notice("client-left-after-end", find)
