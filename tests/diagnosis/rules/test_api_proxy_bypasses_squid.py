"""api-proxy-bypasses-squid: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import found
from tests.exchanges.network import AGENT, API_PROXY, UPSTREAM, Network, play, tls


@pytest.mark.parametrize(("client", "its"), [(API_PROXY, True), (AGENT, False)])
def test_tls_of_the_api_proxy_past_squid_is_told(client: str, *, its: bool) -> None:
    net = Network()
    play(net.to(UPSTREAM, 443, client), tls()).close()

    assert ("api-proxy-bypasses-squid" in found(net.report())) is its
