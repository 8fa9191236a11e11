"""A call whose head is whole and holds no credential."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for exchange in case.exchanges:
        request = exchange.request
        if request is None or not case.is_call(exchange):
            continue
        if request.complete and not request.auth and request.method == "POST":
            yield Match(Evidence(exchange.connection, exchange.id, packet=request.packet))


NOTICE: Final = Notice("no-auth-header", find)
