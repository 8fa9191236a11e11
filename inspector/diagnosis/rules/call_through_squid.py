"""A call for the API proxy whose first leg goes to Squid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for exchange in case.exchanges:
        if exchange.relays is not None and exchange.request is not None:
            yield Match(Evidence(exchange.connection, exchange.id, packet=exchange.request.packet))


NOTICE: Final = Notice("call-through-squid", find)
