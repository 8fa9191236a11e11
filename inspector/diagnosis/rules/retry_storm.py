"""Many failed tries in a row from one client to one service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice

#: So many failed tries in a row are a storm; SDKs give up after three.
TRIES: Final = 5


def find(case: Case) -> Iterator[Match]:
    """One occurrence for each row of failed tries, connection attempts included."""
    failed = set(case.failed)
    rows: dict[tuple[str, str, int], int] = {}
    for exchange in case.exchanges:
        request = exchange.request
        if request is None or not case.is_call(exchange):
            continue
        key = (exchange.client.ip, exchange.server.ip, exchange.server.port)
        rows[key] = rows.get(key, 0) + 1 if int(exchange.id[1:]) in failed else 0
        if rows[key] == TRIES:
            yield Match(Evidence(exchange.connection, exchange.id, packet=request.packet))
    for (address, _), service in case.services.items():
        if address in case.api_proxies and len(service.failed) >= TRIES:
            name = f"c{service.names[TRIES - 1]}"
            yield Match(Evidence(name, packet=service.packets[TRIES - 1]))


NOTICE: Final = Notice("retry-storm", find)
