"""Many failed tries in a row from one client to one service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, Notice
from inspector.diagnosis.tries import TRIES
from inspector.model.addresses import path_of
from inspector.model.conclusions import Evidence
from inspector.model.ids import connection_id, exchange_id
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "retry-storm",
    severity="warning",
    title="The same call was tried many times",
    needs=AGENT_HOP,
    meaning=(
        "One call (same client, service, method and target, a body of the same length) failed five"
        " or more times in a row, each try after the one before had failed; or so many connection"
        " attempts at one port did. Different calls that fail, and equal ones at one time, are no"
        " storm."
    ),
    advice="Find the cause first; then let the client wait longer between tries.",
    shown_by="retry-storm",
)


def find(case: Case) -> Iterator[Match]:
    """One occurrence for each row of failed tries, and for the attempts at one port."""
    for storm in case.storms:
        exchange = case.exchanges.get(exchange_id(storm.exchange))
        if exchange is not None and exchange.request is not None:
            request = exchange.request
            path = shortened(path_of(request.target), 60)
            title = (
                f"{request.method} {path} was tried {storm.tries} times in {storm.seconds:.1f} s"
            )
            where = Evidence(exchange.connection, exchange.id, packet=request.packet)
            yield Match(where, title=title)
    for (address, _), service in case.contacts.services.items():
        if address in case.api_proxies and len(service.failed) >= TRIES:
            name = connection_id(service.failed.names[TRIES - 1])
            title = f"{len(service.failed)} connection attempts at one port failed"
            yield Match(Evidence(name, packet=service.failed.packets[TRIES - 1]), title=title)


NOTICE: Final = Notice(ABOUT, find)
