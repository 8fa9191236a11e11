"""The agent's own connections to somebody who is no host of the bridge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice
from inspector.exchanges.neighbourhood import DNS_PORT
from inspector.facts import Connection

_TRIED: Final = "The agent tries to go out without Squid"


def find(case: Case) -> Iterator[Match]:
    """An error where bytes went through, a warning where only a connection was opened.

    One that was refused, or not answered, is the firewall at work: a note.
    """
    spoken = _spoken(case)
    for number in case.outward:
        connection = case.connections.get(f"c{number}")
        if connection is None or (
            connection.server.port == DNS_PORT and connection.id not in spoken
        ):
            continue
        where = Evidence(connection.id, packet=connection.packet)
        if not is_open(connection):
            yield Match(where, "note", _TRIED)
        elif connection.bytes_up or connection.bytes_down:
            yield Match(where, "error")
        else:
            yield Match(where, "warning")


def is_open(connection: Connection) -> bool:
    """Whether somebody took the connection."""
    return connection.outcome in ("established", "midstream")


def _spoken(case: Case) -> set[str]:
    """Connections that look like DNS by their port and are TLS or HTTP by their bytes."""
    names = {f"c{number}" for number in case.outward}
    if not names:
        return names
    found = {direct.connection for direct in case.direct_tls}
    found.update(exchange.connection for exchange in case.exchanges)
    return names & found


NOTICE: Final = Notice("agent-bypasses-squid", find)
