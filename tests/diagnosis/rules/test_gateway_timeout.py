"""gateway-timeout: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from inspector.model.report import Report
from tests.diagnosis.calls import API_SAYS, CALL, cause, found, golden
from tests.exchanges.network import (
    ESTABLISHED,
    SQUID,
    Network,
    connect,
    play,
    response,
    say,
    tls,
)

FRONT = "172.30.0.35"
LATE = response("504 Gateway Timeout", "content-type: text/plain", body=b"upstream request timeout")


def waiting(
    seconds: float, answer: bytes = LATE, *, calls: int = 1, closes: bool = False
) -> Report:
    """The report of calls that `wait`."""
    return wait(Network(), seconds, answer, calls=calls, closes=closes).report()


def wait(
    net: Network, seconds: float, answer: bytes = LATE, *, calls: int = 1, closes: bool = False
) -> Network:
    """Calls whose tunnel stands and is silent for so long before the answer."""
    for _ in range(calls):
        agent = net.to_api_proxy()
        agent.up(CALL).ack(False)
        tunnel = net.to_squid()
        say(tunnel, connect(), ESTABLISHED)
        play(tunnel, tls())
        if closes:
            tunnel.end(False)
        net.wire.now += round(seconds * 1e9)
        agent.down(answer).ack(True)
        agent.close()
        tunnel.close()
    return net


def test_a_504_while_the_tunnel_stands_and_is_silent_is_the_proxys_own_limit() -> None:
    said = cause(waiting(1.5))

    assert said.code == "gateway-timeout"
    assert "gave up after 1.8 s: 1 x 504" in said.sentence
    assert any("upstream request timeout" in line for line in said.details)


def test_waits_of_another_kind_of_call_are_none_of_a_groups() -> None:
    other = response("503 X", "content-type: text/plain", body=b"stream timeout")
    net = wait(Network(), 1.5, calls=2)
    said = cause(wait(net, 8, other).report())

    assert said.explains == 3
    assert "All 2 waited 1.8 s: a limit that was set." in said.details


def test_equal_waits_are_said_to_be_one_limit() -> None:
    said = cause(waiting(1.5, calls=3))

    assert said.explains == 3
    assert "All 3 waited 1.8 s: a limit that was set." in said.details


@pytest.mark.parametrize(
    ("seconds", "answer", "closes"),
    [
        (0.1, LATE, False),  # the tunnel brought something right before
        (1.5, LATE, True),  # its other side had closed it
        (1.5, response("504 Gateway Timeout", *API_SAYS, "cf-ray: 1"), False),
        (1.5, response("403 No", "content-type: text/plain", body=b"no healthy upstream"), False),
    ],
    ids=["just-heard", "closed", "of-the-api", "403"],
)
def test_what_is_no_limit_of_the_proxys(seconds: float, answer: bytes, closes: bool) -> None:
    assert "gateway-timeout" not in found(waiting(seconds, answer, closes=closes))


def test_a_proxy_before_the_api_proxy_gives_up_while_the_api_proxy_waits() -> None:
    net = Network()
    front = net.to(FRONT, 8080)
    front.up(CALL).ack(False)
    behind = net.to_api_proxy(client=FRONT)
    behind.up(CALL).ack(False)
    say(net.to_squid(), connect(), ESTABLISHED)
    net.wire.now += 2_000_000_000
    page = b"<html><body><center><h1>504</h1></center><hr><center>nginx</center></body></html>"
    front.down(
        response("504 Gateway Time-out", "Server: nginx", "Content-Type: text/html", body=page)
    )
    front.ack(True).close()
    behind.end(True).end(False)
    report = net.report()

    said = cause(report)
    assert (said.code, said.of) == ("gateway-timeout", 1)
    assert f"The proxy {FRONT} gave up after 2.1 s: 1 x 504" in said.sentence
    assert [exchange.relays for exchange in report.exchanges] == [None, "e1"]
    assert report.topology.agent == ("172.30.0.20",), "the proxy in front is no agent"
    assert SQUID in report.topology.forward_proxy


def test_a_limit_that_the_answer_tells_of_needs_no_tunnel_that_is_sure() -> None:
    """litellm opens the tunnel of its first call more than a second late."""
    told = cause(golden("litellm-timeout"))

    assert (told.code, told.explains) == ("gateway-timeout", 2)
