"""The display filter with which Wireshark shows the packets of one exchange, and no others.

The number of a TCP stream (`tcp.stream`) is Wireshark's own and changes with the file, so that
addresses and ports name a connection; times tell apart what one connection carried in turn, and
connections of equal ports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from inspector.model.http import Exchange
from inspector.model.network import Connection, Endpoint
from inspector.model.report import Report

_NS: Final = 1_000_000_000
_Ends = frozenset[Endpoint]


class Filters:
    """Makes the filters of a report's connections."""

    def __init__(self, report: Report) -> None:
        self._exchanges: defaultdict[str, int] = defaultdict(int)
        for exchange in report.exchanges:
            self._exchanges[exchange.connection] += 1
        self._begun: defaultdict[_Ends, list[int]] = defaultdict(list)
        for connection in report.connections:
            self._begun[_ends(connection)].append(connection.opened_at)

    def of(self, connections: Iterable[Connection], exchanges: Sequence[Exchange]) -> str:
        """The filter of these connections, each as far as it carried one of `exchanges`.

        Without an exchange on it a connection is shown whole.
        """
        return " || ".join(
            self._one(each, [e for e in exchanges if e.connection == each.id])
            for each in connections
        )

    def _one(self, connection: Connection, carried: Sequence[Exchange]) -> str:
        client, server = connection.client, connection.server
        family = "ipv6" if ":" in client.ip else "ip"
        parts = [
            f"{family}.addr == {client.ip}",
            f"{family}.addr == {server.ip}",
            f"tcp.port == {client.port}",
            f"tcp.port == {server.port}",
        ]
        since, until = self._window(connection, carried)
        parts += [] if since is None else [f"frame.time_epoch >= {_seconds(since)}"]
        parts += [] if until is None else [f"frame.time_epoch <= {_seconds(until)}"]
        return f"({' && '.join(parts)})"

    def _window(
        self, connection: Connection, carried: Sequence[Exchange]
    ) -> tuple[int | None, int | None]:
        """From when to when, where the connection has more than is asked for."""
        begun = self._begun[_ends(connection)]
        later = [at - 1 for at in begun if at > connection.opened_at]
        since = connection.opened_at if min(begun) < connection.opened_at else None
        until = min(later, default=None)
        if carried and self._exchanges[connection.id] > len(carried):
            starts = [at for each in carried if (at := started(each)) is not None]
            ends = [ended(each) for each in carried]
            since = min(starts, default=since)
            known = [at for at in ends if at is not None]
            until = max(known) if known and len(known) == len(ends) else until
        return since, until


def started(exchange: Exchange) -> int | None:
    """When the first byte of an exchange was captured, in ns."""
    first = exchange.request or exchange.response
    return None if first is None else first.started_at


def ended(exchange: Exchange) -> int | None:
    """When its last byte was; None where it did not end in order."""
    if exchange.websocket is not None:
        known = (exchange.websocket.last_up_at, exchange.websocket.last_down_at)
        return None if exchange.ended_by != "complete" else max(filter(None, known), default=None)
    return None if exchange.response is None else exchange.response.ended_at


def _ends(connection: Connection) -> _Ends:
    return frozenset((connection.client, connection.server))


def _seconds(ns: int) -> str:
    return f"{ns // _NS}.{ns % _NS:09d}"
