"""A version other than the one every client sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice

#: The version of the Messages API since its beginning (its reference, "Versions").
KNOWN: Final = "2023-06-01"


def find(case: Case) -> Iterator[Match]:
    for exchange in case.exchanges:
        request = exchange.request
        if request is None or not case.is_call(exchange):
            continue
        if (
            exchange.provider == "anthropic"
            and request.steering.get("anthropic-version", KNOWN) != KNOWN
        ):
            yield Match(Evidence(exchange.connection, exchange.id, packet=request.packet))


NOTICE: Final = Notice("anthropic-version-unusual", find)
