"""gateway-cannot-connect: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import API_SAYS, CALL, PROXY_SAYS, called, cause, error, found, golden
from tests.exchanges.network import ESTABLISHED, Network, connect, response, say

TEXT = "content-type: text/plain"
#: Envoy's words for two things; what follows tells which.
RESET = b"upstream connect error or disconnect/reset before headers. reset reason: "
#: aiohttp's, of a proxy that refused the CONNECT of litellm.
REFUSED = "litellm.InternalServerError: X - 403, message='Forbidden', url='http://10.9.9.9:3128'"


@pytest.mark.parametrize(
    "answer",
    [
        response(
            "500 No",
            *PROXY_SAYS,
            body=b'{"error":"Proxy error","message":"getaddrinfo ENOTFOUND a"}',
        ),
        response(
            "502 No",
            *PROXY_SAYS,
            body=b'{"error":"Proxy error","message":"connect ECONNREFUSED 10.9.9.9:443"}',
        ),
        response("503 No", TEXT, "server: envoy", body=b"no healthy upstream"),
        response("503 No", TEXT, "server: envoy", body=RESET + b"remote connection failure"),
        response("503 No", TEXT, "server: envoy", body=RESET + b"connection timeout"),
        response("500 No", *PROXY_SAYS, body=error(REFUSED)),
    ],
    ids=["name", "refused", "envoy", "envoy-remote", "envoy-timeout", "aiohttp"],
)
def test_its_words_say_that_it_reached_nobody(answer: bytes) -> None:
    said = cause(called(CALL, answer))

    assert said.code == "gateway-cannot-connect"
    assert "reached nobody: 1 x 50" in said.sentence


def test_it_opened_nothing_although_it_opens_tunnels_for_others() -> None:
    net = Network()
    say(net.to_squid(), connect(), ESTABLISHED).close()
    say(net.to_api_proxy(), CALL, response("502 Bad Gateway", *PROXY_SAYS)).close()

    assert cause(net.report()).code == "gateway-cannot-connect"


@pytest.mark.parametrize(
    "answer",
    [
        response("502 Bad Gateway", *PROXY_SAYS),  # nothing of what it opens is in the capture
        response("502 Bad Gateway", *API_SAYS),
        response("429 No", *PROXY_SAYS, body=b'{"error":"x","message":"connection refused"}'),
        response("503 No", *PROXY_SAYS, body=b'{"error":{"type":"provider_not_configured"}}'),
        # the connection stood, and was closed in place of an answer
        response("503 No", TEXT, "server: envoy", body=RESET + b"connection termination"),
    ],
    ids=["hop-unseen", "of-the-api", "429", "guard", "envoy-reset"],
)
def test_what_is_something_else(answer: bytes) -> None:
    assert "gateway-cannot-connect" not in found(called(CALL, answer))


def test_a_call_with_an_established_tunnel_reached_somebody() -> None:
    net = Network()
    agent = net.to_api_proxy()
    agent.up(CALL).ack(False)
    tunnel = net.to_squid()
    say(tunnel, connect(), ESTABLISHED)
    tunnel.close()
    agent.down(response("502 Bad Gateway", *PROXY_SAYS)).ack(True).close()

    assert "gateway-cannot-connect" not in found(net.report())


def test_haproxys_page_of_503_says_it_and_that_of_504_does_not() -> None:
    """Where nothing of what the gateway opens is in the capture."""
    assert cause(golden("haproxy-no-server")).code == "gateway-cannot-connect"
    assert "gateway-cannot-connect" not in found(golden("haproxy-timeout"))
