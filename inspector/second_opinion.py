"""tshark's reading of a capture beside the inspector's: what each read on which connection.

Messages are compared by connection and by kind, not by order or packet: tshark tells a message
where it is whole, the inspector where it begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from inspector.fact import Fact
from inspector.model.ids import ConnectionId
from inspector.model.network import Connection, Endpoint
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
    "after-close": "bytes came behind the connection's end, and tshark reads them",
    "limit": "a limit of inspector cut off the rest (docs/limits.md)",
    "internal-error": "inspector failed on the connection",
    "protocol": "it is in a protocol that inspector does not read",
    "blanked": "it is blank in this copy, which says what was read of it",
}
_EMBEDDED: Final = "its secrets are in the capture: tshark uses those before the packets alone"
_NOT_WHOLE: Final = "a message is not whole, and tshark shows none that is not"


class ReadingDifference(Fact):
    """Where the two readings differ: what each has that the other has not."""

    ends: tuple[str, str]
    what: str
    ours: str
    theirs: str
    packet: int
    reason: str


class Opinion(Fact):
    """The comparison: what was equal, and what not."""

    version: str
    connections: int
    requests: int
    statuses: int
    differences: tuple[ReadingDifference, ...]


def compared(report: Report, path: Path, keylog: Path | None = None) -> Opinion:
    """Hold a capture's report against tshark's reading.  Raises `NoTshark`."""
    ours = read_by_us(report)
    is_cut = any(one.cut is not None for one in report.captures)
    version, theirs = read_by_tshark(path, keylog, _ports(report), is_cut=is_cut)
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
    legs = _legs(report)
    pairs = {one.id: _pair(one.client, one.server) for one in report.connections}
    heard: dict[EndPair, Heard] = {pair: Heard() for id, pair in pairs.items() if id not in legs}
    for tunnel in report.tunnels:
        if tunnel.connection in legs:
            continue
        here = heard[pairs[tunnel.connection]]
        here.note(tunnel.packet)
        if tunnel.authority is not None:
            here.asked("CONNECT")
        inner = None if tunnel.inner is None else tunnel.inner.status
        for status in (*tunnel.interim, inner, tunnel.connect_status):
            if status is not None:
                here.answered(str(status))
    for exchange in report.exchanges:
        if exchange.connection in legs:
            continue
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


def _legs(report: Report) -> set[ConnectionId]:
    return {one.egress.connection for one in report.tunnels if one.egress is not None}


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
    inside = [(one.connection, one.decryption) for one in report.tunnels]
    inside += [(one.connection, one.decryption) for one in report.direct_tls]
    for connection_id, decryption in inside:
        if decryption is not None and decryption.source == "embedded":
            unread.setdefault(connection_id, _EMBEDDED)
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
    yield from _theirs_alone(report, named, ours, theirs)


def _theirs_alone(
    report: Report,
    named: Mapping[EndPair, Connection],
    ours: Mapping[EndPair, Heard],
    theirs: Mapping[EndPair, Heard],
) -> Iterator[ReadingDifference]:
    """HTTP on connections that the report does not have, in the order of their packets."""
    legs = _legs(report)
    scope = report.topology.networks if report.topology.scope == "subnet" else ()
    subnets = [ip_network(network) for network in scope]
    for pair, heard in sorted(theirs.items(), key=lambda item: item[1].packet):
        connection = named.get(pair)
        if pair in ours or (connection is not None and connection.id in legs):
            continue
        ends = [ip_address(ip) for ip, _ in pair]
        if subnets and not any(end in subnet for end in ends for subnet in subnets):
            continue
        # Who opened it is not known: servers have the lower port as a rule.
        named_ends = [f"{ip}:{port}" for ip, port in sorted(pair, key=lambda end: -end[1])]
        for what, counts in (("requests", heard.requests), ("answers", heard.statuses)):
            if counts:
                yield ReadingDifference(
                    (named_ends[0], named_ends[-1]),
                    what,
                    "nothing",
                    _listed(counts),
                    heard.packet,
                    "inspector has no such connection",
                )


def _listed(counts: Counter[str]) -> str:
    """`POST x2, GET`; `nothing` where there is none."""
    told = (f"{name} x{count}" if count > 1 else name for name, count in sorted(counts.items()))
    return ", ".join(told) or "nothing"
