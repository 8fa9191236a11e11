"""tshark's reading of a capture beside the inspector's: what each read on which connection.

Messages are compared by connection and by kind, not by order or packet: tshark tells a message
where it is whole, the inspector where it begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inspector.model.network import Endpoint
from inspector.model.report import Report
from inspector.tshark import EndPair, Heard, read_by_tshark

#: Ports that tshark takes for HTTP by itself.
_KNOWN_PORTS: Final = frozenset({80, 3128, 8080})
#: Why two readings differ, by why something was not read.
_REASONS: Final[Mapping[str, str]] = {
    "gap": "bytes are missing: tshark shows no message that is not whole",
    "truncated": "packets were cut short: tshark shows no message that is not whole",
    "midstream": "the connection had begun: tshark may not find where a message begins",
    "capture-end": "a message goes on behind the capture's end",
    "one-sided": "only one direction was captured",
    "conflict": "bytes were sent twice, and differ",
}


_NOT_WHOLE: Final = "a message is not whole, and tshark shows none that is not"


@dataclass(frozen=True, slots=True)
class ReadingDifference:
    """Where the two readings differ: what each has that the other has not."""

    ends: tuple[str, str]
    what: str
    ours: str
    theirs: str
    packet: int
    reason: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """The comparison: what was equal, and what not."""

    version: str
    connections: int
    requests: int
    statuses: int
    differences: tuple[ReadingDifference, ...]


def compared(report: Report, path: Path, keylog: Path | None = None) -> Opinion:
    """Hold a capture's report against tshark's reading.  Raises `NoTshark`."""
    ours = read_by_us(report)
    version, theirs = read_by_tshark(path, keylog, _ports(report))
    return Opinion(
        version,
        connections=len(ours),
        requests=sum(heard.requests.total() for heard in ours.values()),
        statuses=sum(heard.statuses.total() for heard in ours.values()),
        differences=tuple(_differences(report, ours, theirs)),
    )


def read_by_us(report: Report) -> dict[EndPair, Heard]:
    """The inspector's reading, by connection; one on which nothing was read is there as well."""
    # What crosses the bridge twice is read once, tshark reads it twice.
    legs = {one.egress.connection for one in report.tunnels if one.egress is not None}
    pairs = {
        one.id: _pair(one.client, one.server) for one in report.connections if one.id not in legs
    }
    heard: dict[EndPair, Heard] = {pair: Heard() for pair in pairs.values()}
    for tunnel in report.tunnels:
        here = heard[pairs[tunnel.connection]]
        here.note(tunnel.packet)
        if tunnel.authority is not None:
            here.asked("CONNECT")
        inner = None if tunnel.inner is None else tunnel.inner.status
        for status in (*tunnel.interim, inner, tunnel.connect_status):
            if status is not None:
                here.answered(str(status))
    for exchange in report.exchanges:
        here = heard[pairs[exchange.connection]]
        request, response = exchange.request, exchange.response
        if request is not None:
            here.note(request.packet)
            here.asked(request.method)
        statuses = exchange.interim
        if response is not None:
            here.note(response.packet)
            statuses = (*statuses, *response.interim, response.status)
        for status in statuses:
            here.answered(str(status))
    return heard


def _pair(client: Endpoint, server: Endpoint) -> EndPair:
    return frozenset({(client.ip, client.port), (server.ip, server.port)})


def _ports(report: Report) -> list[int]:
    """Ports on which HTTP was read, which tshark would not look for there."""
    spoken = {one.server.port for one in report.connections if one.protocol in ("http/1.1", "h2")}
    return sorted(spoken - _KNOWN_PORTS)


# -- the two beside each other ---------------------------------------------------------------


def _differences(
    report: Report, ours: Mapping[EndPair, Heard], theirs: Mapping[EndPair, Heard]
) -> Iterator[ReadingDifference]:
    named = {_pair(one.client, one.server): one for one in report.connections}
    unread: dict[str, str] = {}
    for entry in report.completeness.unread:
        if entry.connection is not None and entry.reason in _REASONS:
            unread.setdefault(entry.connection, _REASONS[entry.reason])
    for exchange in report.exchanges:
        messages = (exchange.request, exchange.response)
        if any(message is not None and not message.complete for message in messages):
            unread.setdefault(exchange.connection, _NOT_WHOLE)
    for pair, mine in ours.items():
        other = theirs.get(pair, Heard())
        connection = named[pair]
        ends = tuple(f"{end.ip}:{end.port}" for end in (connection.client, connection.server))
        for what, left, right in (
            ("requests", mine.requests, other.requests),
            ("answers", mine.statuses, other.statuses),
        ):
            if left == right:
                continue
            reason = unread.get(connection.id)
            if reason is None and not right:
                reason = "tshark read no HTTP there"
            elif reason is None and not left:
                reason = "inspector read no HTTP there"
            yield ReadingDifference(
                (ends[0], ends[1]),
                what,
                _listed(left - right),
                _listed(right - left),
                mine.packet or other.packet or connection.packet,
                reason or "one of the two is wrong",
            )


def _listed(counts: Counter[str]) -> str:
    """`POST x2, GET`; `nothing` where there is none."""
    told = (f"{name} x{count}" if count > 1 else name for name, count in sorted(counts.items()))
    return ", ".join(told) or "nothing"
