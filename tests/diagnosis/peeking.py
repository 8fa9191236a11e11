"""A Squid that peeks at the ClientHello: its tunnels, and its log's lines of them."""

from __future__ import annotations

from typing import Final

from inspector.inspection import Inspector, Options, Sources
from inspector.model.report import Report
from tests.diagnosis.calls import CALL, PROXY_SAYS, proxy_error
from tests.exchanges.network import API, ESTABLISHED, FINGERPRINT_KEY, Network, connect, response
from tests.exchanges.network import say as say_in_turn
from tests.exchanges.network import tls as tls_of
from tests.flows.build import Tcp, batch

#: From the destination to the decision, as squid-openssl 5.7 writes them (measured).
OPENED: Final = "-:- 1.1 CONNECT 200 NONE_NONE:HIER_NONE"
CANNOT_CONNECT: Final = "203.0.113.10:443 1.1 CONNECT 503 NONE_NONE:HIER_DIRECT"
NO_WAY: Final = "-:- 1.1 CONNECT 500 NONE_NONE:HIER_NONE"
TUNNELED: Final = "203.0.113.10:443 1.1 CONNECT 200 TCP_TUNNEL:HIER_DIRECT"
#: A tunnel that went well, by its packets (3 of 14, measured).
TUNNELED_500: Final = TUNNELED.replace("200", "500")

#: What Node says of a tunnel that ends before a ServerHello (measured, version 22).
DISCONNECTED: Final = proxy_error(
    "Client network socket disconnected before secure TLS connection was established"
)


def line(tcp: Tcp, what: str, target: str = API) -> bytes:
    """A line of the firewall's access.log about a client's connection, written now."""
    ip, port = tcp.ends[True]
    seconds, rest = divmod(tcp.wire.now, 1_000_000_000)
    at = f"{seconds}.{rest // 1_000_000:03}"
    return f'{at} {ip}:{port} {target} {what} {target} "-"'.encode()


def with_log(net: Network, *lines: bytes) -> Report:
    """The report of what a network said, and of a log beside it."""
    inspector = Inspector(Options(fingerprint_key=FINGERPRINT_KEY))
    inspector.feed(batch(net.wire.packets))
    return inspector.finish(Sources(logs=(("access.log", lines),)))


def closed_at_hello() -> tuple[Network, Tcp]:
    """A call whose tunnel Squid closes behind the ClientHello, without a byte."""
    net = Network()
    call = net.to_api_proxy().up(CALL).ack(False)
    tunnel = say_in_turn(net.to_squid(), connect(), ESTABLISHED, tls_of().flights[0][1])
    tunnel.end(False).end(True)
    answer = response("502 Bad Gateway", *PROXY_SAYS, body=DISCONNECTED)
    call.down(answer).ack(True).close()
    return net, tunnel
