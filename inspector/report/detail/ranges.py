"""Where the packets of one exchange are, and the display filter with which Wireshark shows them.

The number of a TCP stream (`tcp.stream`) is Wireshark's own and changes with the file, so that
addresses and ports name a connection; times tell apart what one connection carried in turn, and
connections of equal ports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from inspector.model.http import Exchange
from inspector.model.network import Connection, Endpoint
from inspector.report.detail.facts import PacketRange

_NS: Final = 1_000_000_000
_Ends = frozenset[Endpoint]
#: Here exchanges follow one another.  HTTP/2 mixes them, and its heads need those before them, as
#: what is inside TLS needs its handshake.
_IN_TURN: Final = "HTTP/1"


class Ranges:
    """Finds where the packets of a report's connections are; `carried`: exchanges on each."""

    def __init__(self, connections: Iterable[Connection], carried: Mapping[str, int]) -> None:
        self._carried = carried
        self._begun: defaultdict[_Ends, list[int]] = defaultdict(list)
        for connection in connections:
            self._begun[_ends(connection)].append(connection.opened_at)

    def of(
        self, connections: Iterable[Connection], exchanges: Sequence[Exchange]
    ) -> tuple[PacketRange, ...]:
        """The ranges of these connections, each as far as it carried one of `exchanges`.

        A connection without one of them is meant as a whole.
        """
        return tuple(
            PacketRange(
                each.client,
                each.server,
                *self._window(each, [e for e in exchanges if e.connection == each.id]),
            )
            for each in connections
        )

    def _window(
        self, connection: Connection, carried: Sequence[Exchange]
    ) -> tuple[int | None, int | None]:
        """From when to when, where there is more between these ends than is asked for."""
        begun = self._begun[_ends(connection)]
        later = [at - 1 for at in begun if at > connection.opened_at]
        since = connection.opened_at if min(begun) < connection.opened_at else None
        until = min(later, default=None)
        if 0 < len(carried) < self._carried.get(connection.id, 0) and all(
            map(_is_in_turn, carried)
        ):
            starts = [at for each in carried if (at := _started(each)) is not None]
            ends = [_ended(each) for each in carried]
            since = min(starts, default=since)
            known = [at for at in ends if at is not None]
            until = max(known) if known and len(known) == len(ends) else until
        return since, until


def display_filter(ranges: Iterable[PacketRange]) -> str:
    """The filter for Wireshark (wireshark-filter(4)); empty where there is no range."""
    return " || ".join(map(_one, ranges))


def _one(wanted: PacketRange) -> str:
    client, server = wanted.client, wanted.server
    family = "ipv6" if ":" in client.ip else "ip"
    parts = [
        f"{family}.addr == {client.ip}",
        f"{family}.addr == {server.ip}",
        f"tcp.port == {client.port}",
        f"tcp.port == {server.port}",
    ]
    for at, relation in ((wanted.since_at, ">="), (wanted.until_at, "<=")):
        if at is not None:
            parts.append(f"frame.time_epoch {relation} {at // _NS}.{at % _NS:09d}")
    return f"({' && '.join(parts)})"


def _is_in_turn(exchange: Exchange) -> bool:
    first = exchange.request or exchange.response
    if first is None or exchange.tunnel is not None:
        return False
    return first.http_version.startswith(_IN_TURN)


def _started(exchange: Exchange) -> int | None:
    """When its first byte was captured."""
    first = exchange.request or exchange.response
    return None if first is None else first.started_at


def _ended(exchange: Exchange) -> int | None:
    """When its last byte was; None where it has no end, or goes on in another protocol."""
    if exchange.upgrade is not None or exchange.response is None:
        return None
    return exchange.response.ended_at


def _ends(connection: Connection) -> _Ends:
    return frozenset((connection.client, connection.server))
