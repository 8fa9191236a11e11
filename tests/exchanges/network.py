"""The firewall's hosts talking, in one line a turn, and the report of what they said."""

from __future__ import annotations

import functools
import ssl
from dataclasses import dataclass, replace

from inspector.inspection import Inspector
from inspector.model.http import Exchange
from inspector.model.network import Tunnel
from inspector.model.report import Report
from inspector.options import Options
from tests.flows.build import Packet, Tcp, Wire, batch
from tests.protocols.tls_memory import Recording, client_context, converse, server_context

GATEWAY, SQUID, AGENT, API_PROXY = (f"172.30.0.{last}" for last in (1, 10, 20, 30))
UPSTREAM = "203.0.113.7"

KEY = "sk-ant-api03-LABONLY" + 73 * "x" + "AA"
PLACEHOLDER = "sk-ant-placeholder-key-for-credential-isolation"
FINGERPRINT_KEY = b"lab" * 11

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
API = "api.anthropic.com:443"


def request(line: str = "POST /v1/messages HTTP/1.1", *fields: str, body: bytes = b"") -> bytes:
    """A request with a Host, and a Content-Length if it has a body."""
    length = (f"Content-Length: {len(body)}",) if body else ()
    return "\r\n".join((line, "Host: lab.test", *fields, *length, "", "")).encode() + body


def response(status: str = "200 OK", *fields: str, body: bytes | None = None) -> bytes:
    """A response with a Content-Length; a success has a body if not told otherwise."""
    if body is None:
        body = b"{}" if status == "200 OK" else b""
    length = f"Content-Length: {len(body)}"
    return "\r\n".join((f"HTTP/1.1 {status}", *fields, length, "", "")).encode() + body


def connect(authority: str = API, *fields: str) -> bytes:
    return "\r\n".join(
        (f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", *fields, "", "")
    ).encode()


@functools.cache
def tls(serial: int = 0, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Recording:
    """A real TLS conversation; each `serial` has a ClientHello of its own."""
    del serial  # a key of the cache
    contexts = client_context(version), server_context(version)
    return converse(*contexts, requests=2, close=True)


@dataclass
class Network:
    """One bridge; `to` opens a connection on it."""

    wire: Wire

    def __init__(self) -> None:
        self.wire = Wire()
        self._port = 40000

    def to(self, server: str, port: int, client: str = AGENT, *, at: int | None = None) -> Tcp:
        """An open connection, from the next free port of `client`."""
        self._port += 1
        number = self._port if at is None else at
        return Tcp(
            self.wire,
            client=(client, number),
            server=(server, port),
            isn=(1000 * self._port, 7000 * self._port),
        ).open()

    def to_api_proxy(self, port: int = 10001, client: str = AGENT) -> Tcp:
        return self.to(API_PROXY, port, client)

    def refused_at_api_proxy(self, port: int = 10001, client: str = AGENT) -> Tcp:
        """An attempt at a port of the API proxy where nobody listens."""
        self._port += 1
        return (
            Tcp(
                self.wire,
                client=(client, self._port),
                server=(API_PROXY, port),
                isn=(1000 * self._port, 7000 * self._port),
            )
            .syn()
            .reset(False, sequence=0)
        )

    def to_squid(self, client: str = API_PROXY) -> Tcp:
        return self.to(SQUID, 3128, client)

    def report(self, options: Options | None = None) -> Report:
        return report(self.wire.packets, options)


def report(packets: list[Packet], options: Options | None = None) -> Report:
    """What the inspector says, of all packets at once and equally of one at a time."""
    options = options or Options()
    options = replace(options, fingerprint_key=options.fingerprint_key or FINGERPRINT_KEY)
    whole, single = Inspector(options), Inspector(options)
    whole.feed(batch(packets))
    for number, packet in enumerate(packets, start=1):
        single.feed(batch([packet], number))
    told = whole.finish()
    assert told == single.finish()
    assert "internal-error" not in oddities(told)
    return told


def say(tcp: Tcp, *turns: bytes) -> Tcp:
    """Client and server in turn, each turn acknowledged."""
    for index, data in enumerate(turns):
        up = index % 2 == 0
        tcp.send(up, data)
        tcp.ack(not up)
    return tcp


def play(tcp: Tcp, recording: Recording) -> Tcp:
    """A recorded TLS conversation, acknowledged."""
    for up, data in recording.flights:
        tcp.send(up, data)
        tcp.ack(not up)
    return tcp


def oddities(told: Report) -> dict[str, int]:
    return {oddity.name: oddity.count for oddity in told.oddities}


def only_exchange(told: Report) -> Exchange:
    assert len(told.exchanges) == 1, told.exchanges
    return told.exchanges[0]


def only_tunnel(told: Report) -> Tunnel:
    assert len(told.tunnels) == 1, told.tunnels
    return told.tunnels[0]


def line(exchange: Exchange) -> str:
    """An exchange in short: `GET /a 200 complete`."""
    asked = exchange.request
    words = ["-"] if asked is None else [asked.method, asked.target]
    answer = exchange.response
    return " ".join([*words, "-" if answer is None else str(answer.status), exchange.ended_by])


def lines(told: Report) -> list[str]:
    return [line(exchange) for exchange in told.exchanges]
