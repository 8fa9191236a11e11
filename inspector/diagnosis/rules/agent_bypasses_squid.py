"""The agent's own connections to somebody who is no host of the bridge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, Notice
from inspector.exchanges.neighbourhood import DNS_PORT
from inspector.model.conclusions import Evidence
from inspector.model.ids import connection_id
from inspector.model.network import Connection

ABOUT: Final = Code(
    "agent-bypasses-squid",
    severity="error",
    title="The agent goes out without Squid",
    needs="the agent's connections",
    meaning=(
        "The agent itself is connected, by TLS, plain HTTP or whatever else, with an address that"
        " is no host of the bridge: neither Squid's allow-list nor the API proxy saw it. A"
        " warning where not one byte followed; a note where nobody took the connection, which is"
        " the firewall at work. Name look-ups over TCP port 53 are not meant."
    ),
    advice=(
        "Look at the firewall's rules for the agent's container, and at the client that ignores"
        " HTTPS_PROXY."
    ),
)

_TRIED: Final = "The agent tries to go out without Squid"


def find(case: Case) -> Iterator[Match]:
    """An error where bytes went through, a warning where only a connection was opened.

    One that was refused, or not answered, is the firewall at work: a note.
    """
    if "forward-proxy" in case.topology.without:
        return
    for connection in ways_past(case, case.outward):
        where = Evidence(connection.id, packet=connection.packet)
        if not is_open(connection):
            yield Match(where, "note", _TRIED)
        elif connection.bytes_up or connection.bytes_down:
            yield Match(where, "error")
        else:
            yield Match(where, "warning")


def ways_past(case: Case, numbers: Sequence[int]) -> Iterator[Connection]:
    """The connections of these numbers that are more than a name look-up."""
    if not numbers:
        return
    found = filter(None, map(case.connections.get, map(connection_id, numbers)))
    spoken: frozenset[str] | None = None
    for connection in found:
        if connection.server.port == DNS_PORT:
            if spoken is None:
                spoken = _spoken(case)
            if connection.id not in spoken:
                continue
        yield connection


def _spoken(case: Case) -> frozenset[str]:
    """The connections that are TLS or HTTP by their bytes, whatever their port looks like.

    It is a walk through all exchanges: only where there is such a port.
    """
    return frozenset(
        (*(direct.connection for direct in case.direct_tls),
         *(exchange.connection for exchange in case.exchanges))
    )  # fmt: skip


def is_open(connection: Connection) -> bool:
    """Whether somebody took the connection."""
    return connection.outcome in ("established", "midstream")


NOTICE: Final = Notice(ABOUT, find)
