"""tshark's reading of a capture beside the inspector's: what each read on which connection.

tshark is asked once, through pyshark, for the heads of HTTP alone.  Messages are compared by
connection and by kind, not by order or packet: tshark tells a message where it is whole, the
inspector where it begins.  Values of fields are not looked at, and nothing of them is kept.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from inspector.errors import ExitCode, InspectorError
from inspector.model.network import Endpoint
from inspector.model.report import Report

#: The ends of a connection, in either order.
EndPair: TypeAlias = frozenset[tuple[str, int]]

_FILTER: Final = "http.request or http.response or http2.headers"
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


class NoTshark(InspectorError):
    """There is no tshark, or it does not run."""

    exit_code = ExitCode.NOTHING_TO_ANALYSE


@dataclass(slots=True)
class Heard:
    """What was read on one connection: requests by their methods, answers by their statuses."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    packet: int = 0

    def note(self, packet: int) -> None:
        """Something was read in this packet."""
        self.packet = min(self.packet, packet) if self.packet else packet


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
    version, theirs = _read_by_tshark(path, keylog, _ports(report))
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
        here.requests["CONNECT"] += tunnel.authority is not None
        statuses = (*tunnel.interim, *(() if tunnel.inner is None else (tunnel.inner.status,)))
        here.statuses.update(map(str, statuses))
        if tunnel.connect_status is not None:
            here.statuses[str(tunnel.connect_status)] += 1
    for exchange in report.exchanges:
        here = heard[pairs[exchange.connection]]
        request, response = exchange.request, exchange.response
        if request is not None:
            here.note(request.packet)
            here.requests[request.method] += 1
        if response is not None:
            here.note(response.packet)
            here.statuses.update(map(str, (*response.interim, response.status)))
        here.statuses.update(map(str, exchange.interim))
    return heard


def _pair(client: Endpoint, server: Endpoint) -> EndPair:
    return frozenset({(client.ip, client.port), (server.ip, server.port)})


def _ports(report: Report) -> list[int]:
    """Ports on which HTTP was read, which tshark would not look for there."""
    spoken = {one.server.port for one in report.connections if one.protocol in ("http/1.1", "h2")}
    return sorted(spoken - _KNOWN_PORTS)


# -- tshark ------------------------------------------------------------------------------


def _read_by_tshark(
    path: Path, keylog: Path | None, ports: Iterable[int]
) -> tuple[str, dict[EndPair, Heard]]:
    """Its version, and what it read by connection."""
    import pyshark
    from pyshark.capture.capture import TSharkCrashException
    from pyshark.tshark.tshark import TSharkNotFoundException, get_tshark_version

    try:
        version = str(get_tshark_version())
        packets = pyshark.FileCapture(
            str(path),
            display_filter=_FILTER,
            keep_packets=False,
            decode_as={f"tcp.port=={port}": "http" for port in ports},
            override_prefs={} if keylog is None else {"tls.keylog_file": str(keylog)},
            custom_parameters=["-n"],
            eventloop=_loop(),
        )
    except TSharkNotFoundException:
        raise NoTshark(
            "tshark is not installed, and it is the second opinion",
            "Install it: apt-get install tshark",
            "The capture was not looked at",
        ) from None
    heard: dict[EndPair, Heard] = {}
    try:
        for packet in packets:
            _note(heard, packet)
        packets.close()
    except TSharkCrashException:
        raise NoTshark(
            f"tshark ended with an error while it read {path.name}",
            f"Run it by itself: tshark -r {path.name}",
            "What inspector says of the capture stands",
        ) from None
    finally:
        with suppress(TSharkCrashException):
            packets.close()
        packets.eventloop.close()
    return version, heard


def _loop() -> asyncio.AbstractEventLoop:
    """A loop of its own, which learns how its child ended: before 3.12 a thread may miss that."""
    loop = asyncio.new_event_loop()
    if sys.version_info < (3, 12):
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(loop)
        asyncio.set_child_watcher(watcher)
    return loop


def _note(heard: dict[EndPair, Heard], packet: Any) -> None:
    """What tshark shows of one packet."""
    network = next((packet[name] for name in ("ip", "ipv6") if name in packet), None)
    if network is None or "tcp" not in packet:
        return
    ends = frozenset(
        {(str(network.src), int(packet.tcp.srcport)), (str(network.dst), int(packet.tcp.dstport))}
    )
    here = heard.setdefault(ends, Heard())
    here.note(int(packet.number))
    for layer in packet.layers:
        if layer.layer_name not in ("http", "http2"):
            continue
        here.requests.update(_values(layer, ("request_method", "headers_method")))
        here.statuses.update(_values(layer, ("response_code", "headers_status")))


def _values(layer: Any, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        found = layer.get_field(name)
        if found is not None:
            for each in found.all_fields:
                yield str(each.get_default_value())


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
