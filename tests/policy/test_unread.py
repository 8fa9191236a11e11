"""What is in the capture and nobody reads proves nothing of what it may hold."""

from __future__ import annotations

from datetime import date
from typing import Final

import pytest

from inspector.errors import ExitCode
from inspector.policy.judge import judge
from inspector.policy.reading import read_policy
from tests.diagnosis.calls import API_SAYS, CALL
from tests.diagnosis.rules.test_h2c_refused import PREFACE
from tests.exchanges.network import Network, play, response, say, tls
from tests.exchanges.test_websocket import BEGUN, DONE, MASK, OFFER, TAKEN, asked
from tests.protocols.test_websocket import TEXT, close, frame

TODAY: Final = date(2026, 11, 28)


def verdict(net: Network) -> ExitCode:
    return judge(net.report(), read_policy("awf"), TODAY).exit_code


def test_plain_calls_are_kept() -> None:
    net = Network()
    say(net.to_api_proxy(), CALL, response("200 OK", *API_SAYS)).close()

    assert verdict(net) is ExitCode.DONE


def test_tls_at_the_plain_port_is_not_proven_to_hold_placeholders() -> None:
    net = Network()
    bad = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
    say(net.to_api_proxy(), tls().flights[0][1], bad).reset(True)

    assert verdict(net) is ExitCode.NOT_PROVEN


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ((PREFACE, b"GET /v1 HT"), (PREFACE[24:],)),
        ((PREFACE,), (PREFACE[24:], b"no frames")),
        ((OFFER, frame(TEXT, b"{}", mask=MASK)), (TAKEN, b"\xff no frames")),
        ((OFFER, frame(TEXT, b"{}", mask=MASK)), (TAKEN, b"\xc1\x03abc")),
    ],
    ids=["HTTP/2 of the agent", "HTTP/2 of the proxy", "WebSocket", "compressed, as nobody agreed"],
)
def test_what_is_no_frame_is_not_proven_to_hold_none(
    up: tuple[bytes, ...], down: tuple[bytes, ...]
) -> None:
    net = Network()
    tcp = net.to_api_proxy(10000)
    tcp.up(up[0]).down(down[0])
    for data in up[1:]:
        tcp.up(data)
    for data in down[1:]:
        tcp.down(data)
    tcp.close()

    assert verdict(net) is ExitCode.NOT_PROVEN


def test_http2_and_a_websocket_that_are_read_are_kept() -> None:
    taken, socket = Network(), Network()
    say(taken.to_api_proxy(), PREFACE, PREFACE[24:]).close()
    asked(socket.to_api_proxy(10000).up(OFFER).down(TAKEN), BEGUN, DONE).down(close(1000)).close()

    assert verdict(taken) is ExitCode.DONE
    assert verdict(socket) is ExitCode.DONE


def test_tls_in_a_tunnel_is_not_of_the_agents_hop() -> None:
    net = Network()
    tcp = say(net.to_squid(), b"CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: a\r\n\r\n")
    tcp.down(b"HTTP/1.1 200 Connection established\r\n\r\n")
    play(tcp, tls()).close()

    assert judge(net.report(), read_policy("awf"), TODAY).doubts == ()
