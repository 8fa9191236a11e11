"""agent-bypasses-squid: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import API_SAYS, CALL, found
from tests.exchanges.network import AGENT, API_PROXY, UPSTREAM, Network, play, response, say, tls


@pytest.mark.parametrize(
    ("client", "server", "its"),
    [(AGENT, UPSTREAM, True), (AGENT, "172.30.0.60", False), (API_PROXY, UPSTREAM, False)],
    ids=["the-agent-outward", "the-agent-on-the-bridge", "the-api-proxy-outward"],
)
def test_tls_of_the_agent_past_squid_is_told(client: str, server: str, *, its: bool) -> None:
    net = Network()
    say(net.to_api_proxy(), CALL, response("200 OK", *API_SAYS)).close()
    play(net.to(server, 443, client), tls()).close()

    assert ("agent-bypasses-squid" in found(net.report())) is its
