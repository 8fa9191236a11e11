"""A few conversations of the firewall's network, and ways to put them on the wire.

A conversation is what its ends say, in turn; how the network cuts, delays,
repeats and loses it is decided by `Journey`.
"""

from __future__ import annotations

import functools
import random
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from inspector.inspection import Inspector, Options
from inspector.model.report import Report
from tests.flows.build import MILLISECOND, Packet, Tcp, Wire, batch
from tests.protocols.tls_memory import client_context, converse, server_context

#: (said by the client, bytes).
Turn = tuple[bool, bytes]

KEY: Final = b"sk-ant-api03-LABONLY" + b"x" * 70
OPTIONS: Final = Options(scope="all", fingerprint_key=b"lab" * 11)

AGENT, API_PROXY, SQUID = 20, 30, 10


@dataclass(frozen=True)
class Talk:
    """A conversation of two hosts: the last part of their addresses, the server's port."""

    client: int
    server: int
    port: int
    turns: tuple[Turn, ...]


def _request(line: str, *fields: str, body: bytes = b"") -> Turn:
    head = "\r\n".join((line, "Host: lab.test", "User-Agent: lab/1", *fields))
    length = f"\r\nContent-Length: {len(body)}" if body else ""
    return True, f"{head}{length}\r\n\r\n".encode() + body


def _response(status: str, *fields: str, body: bytes = b"") -> Turn:
    head = "\r\n".join((f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}"))
    return False, head.encode() + b"\r\n\r\n" + body


def _event_stream() -> Turn:
    events = [
        b'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-lab",'
        b'"usage":{"input_tokens":25,"output_tokens":1}}}\n\n',
        *(
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
            b'"delta":{"type":"text_delta","text":"word %d"}}\n\n' % number
            for number in range(8)
        ),
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        b'"usage":{"output_tokens":12}}\n\n',
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ]
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events)
    return False, head + chunks + b"0\r\n\r\n"


def _keep_alive() -> tuple[Turn, ...]:
    key = f"x-api-key: {KEY.decode()}"
    body = b'{"model":"claude-lab","stream":true,"messages":[' + b'"one two three",' * 40 + b'""]}'
    wrong = (
        b'{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}'
    )
    return (
        _request("POST /v1/messages?beta=true HTTP/1.1", key, body=body),
        _event_stream(),
        _request("GET /v1/models?key=LABONLY-query HTTP/1.1", key),
        _response("401 Unauthorized", "content-type: application/json", body=wrong),
        (
            True,
            b"POST /v1/files HTTP/1.1\r\nHost: lab.test\r\nUser-Agent: lab/2\r\n"
            b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (False, b"HTTP/1.1 100 Continue\r\n\r\n"),
        (True, b"5;ext=1\r\nhello\r\n80\r\n" + b"u" * 128 + b"\r\n0\r\nTrailer: 1\r\n\r\n"),
        _response("200 OK", "content-type: application/octet-stream", body=bytes(1500)),
        _request("HEAD /v1/files HTTP/1.1"),
        (False, b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"),
    )


@functools.cache
def _tls() -> tuple[Turn, ...]:
    version = ssl.TLSVersion.TLSv1_3
    made = converse(client_context(version), server_context(version), requests=2, close=True)
    return tuple(made.flights)


def talks() -> dict[str, Talk]:
    """The conversations by name."""
    connect = "CONNECT api.anthropic.com:443 HTTP/1.1"
    opened = (False, b"HTTP/1.1 200 Connection established\r\n\r\n")
    denied = _response(
        "403 Forbidden",
        "X-Squid-Error: ERR_ACCESS_DENIED 0",
        "Content-Type: text/html",
        body=b"<html>" + b"no " * 300 + b"</html>",
    )
    inside = (
        _request("POST /v1/messages HTTP/1.1", "authorization: Bearer LABONLY", body=b"{}" * 90),
        _response("200 OK", "content-type: application/json", body=b'{"model":"claude-lab"}'),
    )
    return {
        "keep-alive": Talk(AGENT, API_PROXY, 10001, _keep_alive()),
        "tls tunnel": Talk(API_PROXY, SQUID, 3128, (_request(connect), opened, *_tls())),
        "refused, then used": Talk(
            AGENT,
            SQUID,
            3128,
            (
                _request(connect, "Proxy-Authorization: Basic TEFCT05MWTp4"),
                denied,
                _request("GET http://172.30.0.30:10001/health HTTP/1.1"),
                _response("200 OK", body=b"fine"),
            ),
        ),
        "plain tunnel": Talk(
            AGENT, SQUID, 3128, (_request("CONNECT 172.30.0.30:10001 HTTP/1.1"), opened, *inside)
        ),
    }


# -- on the wire -------------------------------------------------------------------


@dataclass(frozen=True)
class Journey:
    """How the network treats what it carries.  The defaults: it leaves everything alone.

    `window` is how many segments of one flight may overtake each other,
    `repeat` and `overlap` are probabilities of a segment sent again, by itself
    or with bytes before it, `twice` of a frame captured twice, `drop` of a
    data segment that is received and not captured.
    """

    cut: int = 1 << 30
    window: int = 0
    repeat: float = 0.0
    overlap: float = 0.0
    twice: float = 0.0
    drop: float = 0.0
    isn: tuple[int, int] = (1000, 5000)
    vlan: int | None = None
    ipv6: bool = False
    step: int = MILLISECOND


def travel(talk: Talk, port: int, journey: Journey, chance: random.Random) -> list[list[Packet]]:
    """The packets of one conversation, in groups that belong to one moment."""
    address = "fd00::{}" if journey.ipv6 else "172.30.0.{}"
    wire = Wire(ident=port % 50_000)
    tcp = Tcp(
        wire,
        client=(address.format(talk.client), port),
        server=(address.format(talk.server), talk.port),
        isn=journey.isn,
        vlan=journey.vlan,
        step=journey.step,
    ).open()
    sent = {True: 0, False: 0}
    for up, data in talk.turns:
        start = sent[up]
        sent[up] += len(data)
        got = start
        beyond: set[tuple[int, int]] = set()
        for low, high in _segments(chance, journey, start, sent[up]):
            beyond.add((low, high))
            for early_low, early_high in sorted(beyond):
                if early_low <= got:
                    got = max(got, early_high)
                    beyond.remove((early_low, early_high))
            if chance.random() >= journey.drop:
                tcp.send(up, data[low - start : high - start], low, acked=sent[not up])
                if chance.random() < journey.twice:
                    tcp.again(after=chance.choice((0, 1000, 3 * MILLISECOND)))
            if chance.random() < 0.3:
                tcp.ack(not up, acked=got)
        tcp.sent = dict(sent)
        tcp.ack(not up)
    tcp.close()
    return [[packet] for packet in wire.packets]


def _segments(
    chance: random.Random, journey: Journey, start: int, stop: int
) -> Iterator[tuple[int, int]]:
    """A flight as the pieces in which it arrives."""
    pieces: list[tuple[float, int, int]] = []
    at = start
    while at < stop:
        end = min(stop, at + chance.randint(1, journey.cut))
        pieces.append((len(pieces) + chance.uniform(0, journey.window), at, end))
        if chance.random() < journey.repeat:
            pieces.append((len(pieces) + chance.uniform(0, journey.window + 1), at, end))
        if chance.random() < journey.overlap:
            low, high = (
                max(start, at - chance.randint(1, 60)),
                min(stop, end + chance.randint(0, 9)),
            )
            pieces.append((len(pieces) + chance.uniform(0, journey.window + 1), low, high))
        at = end
    for _, low, high in sorted(pieces):
        yield low, high


def interleave(chance: random.Random, groups: Sequence[list[list[Packet]]]) -> list[Packet]:
    """Connections side by side, in one time."""
    queues = [list(group) for group in groups]
    packets: list[Packet] = []
    now = 0
    while any(queues):
        queue = chance.choice([queue for queue in queues if queue])
        for packet in queue.pop(0):
            packets.append(packet)
    for index, packet in enumerate(packets):
        # Times may stand still (copies do), and never go back.
        now = max(now, packet.at)
        packets[index] = packet._replace(at=now)
    return packets


# -- what the inspector makes of it -------------------------------------------------


def inspected(packets: Sequence[Packet], sizes: Callable[[], int] | None = None) -> Report:
    """The report of these packets; `sizes` gives the length of each batch."""
    inspector = Inspector(OPTIONS)
    at = 0
    while at < len(packets):
        count = len(packets) if sizes is None else sizes()
        inspector.feed(batch(packets[at : at + count], at + 1))
        at += count
    return inspector.finish()


#: What differs between two recordings of one conversation.
_OF_THE_RECORDING: Final = frozenset({
    "id", "connection", "packet", "packets", "reply_latency", "longest_silence", "tunnel",
    "relays", "timing", "numbers",
})  # fmt: skip


def timeless(fact: Any) -> Any:
    """A fact as plain data, without packet numbers, times and ids."""
    if isinstance(fact, dict):
        return {
            name: len(value) if name == "exchanges" else timeless(value)
            for name, value in fact.items()
            if name not in _OF_THE_RECORDING and not name.endswith("_at")
        }
    if isinstance(fact, list | tuple):
        return [timeless(item) for item in fact]
    return fact


def essence(report: Report) -> dict[str, list[Any]]:
    """Exchanges, tunnels and clients in an order of their content."""
    by_content = functools.partial(sorted, key=repr)
    clients = [
        replace(client, auth_headers=tuple(by_content(client.auth_headers)))
        for client in report.clients
    ]
    return {
        name: by_content(timeless(asdict(fact)) for fact in facts)
        for name, facts in (
            ("exchanges", report.exchanges),
            ("tunnels", report.tunnels),
            ("clients", clients),
        )
    }
