"""A report as HAR 1.2 (HTTP Archive), which Chromium, Firefox and other tools open.

An entry is an exchange, or a CONNECT with its tunnel; they stand in the order of time.  What HAR
has no name for begins with `_`, as it asks (http://www.softwareishard.com/blog/har-12-spec/):

* `_id`: its id in the report, as `connection` is that of its connection;
* `_hop`: between whom, by role, as of an exchange in the report;
* `_tunnel`: the tunnel in which it was read; of a CONNECT the tunnel that it asked for;
* `_packets`: the packets in which request and response begin;
* `_provider`, `_relays`, `_ended_by`, `_decrypted`: as in the report;
* `_tls`, `_proxy_error`: of a CONNECT, as of a tunnel in the report;
* `_resourceType`: what Chromium sorts entries by ("fetch", "websocket", "other");
* `_error` of a response that is not there: how the exchange ended.

Values of headers and targets are those of the report: a credential is its label.  Bodies are not
kept, so there is no `postData` and no `text`.  A time that is not in the capture is -1, also where
HAR asks for 0 and more (`send`, `wait`, `receive`): 0 would be a claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final
from urllib.parse import parse_qsl, quote

from inspector.exchanges.timing import timing_of
from inspector.model.http import Exchange, Hop, Request, Response, header
from inspector.model.network import Endpoint, Headers, Tunnel
from inspector.model.report import Report
from inspector.model.topology import Topology
from inspector.regex import regex
from inspector.report.formats.json import dumps, timestamp, to_plain
from inspector.wire import packet_label

VERSION: Final = "1.2"
#: What HAR calls a version, a method or a type that nobody saw.
UNKNOWN: Final = "unknown"

#: A host with or without a port; all else would make a URL of another host, or none.
_HOST: Final = regex(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
#: What may stand in a URL (RFC 3986 2), percent signs as they were sent.
_IN_URL: Final = "/?:@!$&'()*+,;=-._~%"
_QUERY_LIMIT: Final = 200


def write_har(report: Report, out: BinaryIO) -> None:
    """Write the archive, an entry a line, without holding its text."""
    several_files = len(report.captures) > 1
    head = {
        "version": VERSION,
        "creator": {"name": report.tool.name, "version": report.tool.version},
        "comment": "Written from captured packets. -1 stands for what is not in the capture.",
    }
    out.write(b'{"log": ' + dumps(head)[:-1] + b', "entries": [')
    before = b"\n"
    for entry in _entries(report, several_files):
        out.write(before + dumps(entry))
        before = b",\n"
    out.write(b"\n]}}\n")


def _entries(report: Report, several_files: bool) -> Iterator[dict[str, Any]]:
    authorities = {tunnel.id: tunnel.authority for tunnel in report.tunnels if tunnel.exchanges}
    # Times first: of a long report no two lists of entries exist at once.
    order = [
        *((_began(exchange), 1, at) for at, exchange in enumerate(report.exchanges)),
        *((tunnel.opened_at, 0, at) for at, tunnel in enumerate(report.tunnels)),
    ]
    for _, is_exchange, at in sorted(order):
        if is_exchange:
            exchange = report.exchanges[at]
            authority = None if exchange.tunnel is None else authorities.get(exchange.tunnel)
            yield entry_of(exchange, authority, several_files=several_files)
        else:
            tunnel = report.tunnels[at]
            yield entry_of_connect(tunnel, report.topology, several_files=several_files)


def _began(exchange: Exchange) -> int:
    first = exchange.request or exchange.response
    return 0 if first is None else first.started_at


def entry_of(
    exchange: Exchange, authority: str | None = None, *, several_files: bool = False
) -> dict[str, Any]:
    """The entry of one exchange; `authority` is that of the tunnel in which it was read."""
    request, response = exchange.request, exchange.response
    timings = _timings(exchange)
    url = _url(exchange, authority)
    entry = {
        "startedDateTime": timestamp(_began(exchange)),
        "time": _total(timings),
        "request": _request(request, url),
        "response": _response(response, exchange.ended_by),
        "cache": {},
        "timings": timings,
        "serverIPAddress": exchange.server.ip,
        "connection": exchange.connection,
        "_id": exchange.id,
        "_hop": exchange.hop,
        "_resourceType": "websocket" if exchange.websocket is not None else "fetch",
        "_provider": exchange.provider,
        "_tunnel": exchange.tunnel,
        "_relays": exchange.relays,
        "_decrypted": exchange.decrypted,
        "_ended_by": exchange.ended_by,
        "_packets": _packets(request, response, several_files),
    }
    if exchange.ended_by != "complete":
        entry["comment"] = f"ended by: {exchange.ended_by}"
    return entry


def entry_of_connect(
    tunnel: Tunnel, topology: Topology, *, several_files: bool = False
) -> dict[str, Any]:
    """The entry of a CONNECT: its answer says "tunnel opened", never what an API answered."""
    latency = tunnel.reply_latency
    timings = _no_timings() | {"wait": -1 if latency is None else round(latency * 1000, 6)}
    authority = tunnel.authority or ""
    place = authority if _HOST.fullmatch(authority) else _place(tunnel.proxy)
    return {
        "startedDateTime": timestamp(tunnel.opened_at),
        "time": timings["wait"],
        "request": {
            "method": "CONNECT",
            "url": f"https://{place}/",
            "httpVersion": UNKNOWN,
            "cookies": [],
            "headers": _fields(tunnel.headers),
            "queryString": [],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": _bare_response(tunnel.connect_status or 0),
        "cache": {},
        "timings": timings,
        "serverIPAddress": tunnel.proxy.ip,
        "connection": tunnel.connection,
        "comment": "A CONNECT. 200 says that a tunnel was opened, not that an API answered.",
        "_id": tunnel.id,
        "_hop": _hop_of(tunnel, topology),
        "_resourceType": "other",
        "_tunnel": tunnel.id,
        "_packets": {"request": packet_label(tunnel.packet, several_files=several_files),
                     "response": None},
        "_bytes": {"up": tunnel.bytes_up, "down": tunnel.bytes_down},
        "_tls": None if tunnel.tls is None else to_plain(tunnel.tls, several_files=several_files),
        "_proxy_error": tunnel.proxy_error,
    }  # fmt: skip


def _request(request: Request | None, url: str) -> dict[str, Any]:
    if request is None:
        return {
            "method": UNKNOWN,
            "url": url,
            "httpVersion": UNKNOWN,
            "cookies": [],
            "headers": [],
            "queryString": [],
            "headersSize": -1,
            "bodySize": -1,
            "comment": "The request is not in the capture.",
        }
    query = request.target.partition("?")[2].partition("#")[0]
    # The number of pairs is bounded: a target is as long as its sender likes.
    pairs = parse_qsl("&".join(query.split("&", _QUERY_LIMIT)[:_QUERY_LIMIT]), True)
    told = {
        "method": request.method,
        "url": url,
        "httpVersion": request.http_version,
        "cookies": [],
        "headers": _fields(request.headers),
        "queryString": _fields(pairs),
        "headersSize": -1,
        "bodySize": request.body_bytes,
    }
    if not request.complete:
        told["comment"] = "The request is not whole in the capture."
    return told


def _bare_response(status: int) -> dict[str, Any]:
    """An answer of which nothing but its status is told; 0: there is none."""
    return {
        "status": status,
        "statusText": "",
        "httpVersion": UNKNOWN,
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": UNKNOWN},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _response(response: Response | None, ended_by: str) -> dict[str, Any]:
    """Its sizes are of what was captured; of a coded body nobody counted the decoded bytes."""
    if response is None:
        return {
            **_bare_response(0),
            "comment": "No final response is in the capture.",
            "_error": ended_by,
        }
    coded = response.content_encoding not in (None, "identity")
    told = {
        "status": response.status,
        "statusText": response.reason,
        "httpVersion": response.http_version,
        "cookies": [],
        "headers": _fields(response.headers),
        "content": {
            "size": -1 if coded else response.body_bytes,
            "mimeType": response.content_type or UNKNOWN,
        },
        "redirectURL": header(response, "location") or "",
        "headersSize": -1,
        "bodySize": response.body_bytes,
    }
    if not response.complete:
        told["comment"] = "The body is cut: the response is not whole in the capture."
    return told


def _fields(pairs: Headers | Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _no_timings() -> dict[str, float]:
    return {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1,
            "send": -1, "wait": -1, "receive": -1}  # fmt: skip


def _timings(exchange: Exchange) -> dict[str, float]:
    """Milliseconds of each part; those of the connection belong to it, not to the exchange."""
    took = timing_of(exchange)
    return _no_timings() | {
        "send": _between(0.0, took.request),
        "wait": _between(took.request, took.first_byte),
        "receive": _between(took.first_byte, took.last_byte),
    }


def _between(start: float | None, end: float | None) -> float:
    """Milliseconds; 0 where an answer began before its request was over."""
    if start is None or end is None:
        return -1
    return round(max(0.0, end - start) * 1000, 6)


def _total(timings: dict[str, float]) -> float:
    known = [value for value in timings.values() if value >= 0]
    return round(sum(known), 6) if known else -1


def _packets(
    request: Request | None, response: Response | None, several_files: bool
) -> dict[str, int | str | None]:
    return {
        name: None if of is None else packet_label(of.packet, several_files=several_files)
        for name, of in (("request", request), ("response", response))
    }


def _url(exchange: Exchange, authority: str | None) -> str:
    """An absolute URL that says where the request went; what no URL may hold is percent-coded."""
    request = exchange.request
    target = "" if request is None else request.target
    if re.match(r"https?://", target, re.IGNORECASE):
        return quote(target, safe=_IN_URL + "#[]")
    scheme = "https" if exchange.decrypted else "http"
    told = authority or (request.host if request is not None else None) or ""
    place = told if _HOST.fullmatch(told) else _place(exchange.server)
    path = quote(target, safe=_IN_URL)
    return f"{scheme}://{place}{path if path.startswith('/') else '/' + path}"


def _place(end: Endpoint) -> str:
    """`host:port` of an endpoint, IPv6 in brackets."""
    return f"[{end.ip}]:{end.port}" if ":" in end.ip else f"{end.ip}:{end.port}"


def _hop_of(tunnel: Tunnel, topology: Topology) -> Hop:
    if tunnel.proxy.ip not in topology.forward_proxy:
        return "other"
    if tunnel.client.ip in topology.api_proxy:
        return "api-proxy-to-forward-proxy"
    return "agent-to-forward-proxy" if tunnel.client.ip in topology.agent else "other"
