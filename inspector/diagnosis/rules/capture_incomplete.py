"""How some calls ended is not in the capture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for number in case.unknown:
        exchange = case.exchanges.get(f"e{number}")
        if exchange is not None and exchange.request is not None:
            yield Match(Evidence(exchange.connection, exchange.id, packet=exchange.request.packet))


NOTICE: Final = Notice("capture-incomplete", find)
