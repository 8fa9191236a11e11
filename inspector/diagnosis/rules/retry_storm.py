"""Many failed tries in a row from one client to one service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import TRIES, Case
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, Notice
from inspector.model.conclusions import Evidence
from inspector.model.ids import connection_id, exchange_id

ABOUT: Final = Code(
    "retry-storm",
    severity="warning",
    title="The same call was tried many times",
    needs=AGENT_HOP,
    meaning=(
        "Five or more failed tries in a row from one client to one service, connection attempts"
        " included."
    ),
    advice="Find the cause first; then let the client wait longer between tries.",
    shown_by="retry-storm",
)


def find(case: Case) -> Iterator[Match]:
    """One occurrence for each row of failed tries, and for the attempts at one port."""
    for number in case.storms:
        exchange = case.exchanges.get(exchange_id(number))
        if exchange is not None and exchange.request is not None:
            packet = exchange.request.packet
            yield Match(Evidence(exchange.connection, exchange.id, packet=packet))
    for (address, _), service in case.services.items():
        if address in case.api_proxies and len(service.failed) >= TRIES:
            name = connection_id(service.failed.names[TRIES - 1])
            yield Match(Evidence(name, packet=service.failed.packets[TRIES - 1]))


NOTICE: Final = Notice(ABOUT, find)
