"""api-proxy-bypassed: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden, sent
from tests.exchanges.network import SQUID


def test_an_agent_that_opens_tunnels_to_the_api_itself_bypasses_the_api_proxy() -> None:
    assert "api-proxy-bypassed" in found(golden("agent-bypasses-proxy"))


def test_denied_side_traffic_bypasses_nothing() -> None:
    assert "api-proxy-bypassed" not in found(golden("denied-side-traffic"))


def test_an_agent_that_asks_squid_for_the_api_in_plaintext_bypasses_it_as_well() -> None:
    def asked_for(host: str) -> set[str]:
        return set(found(sent(SQUID, 3128, f"POST http://{host}/v1/messages HTTP/1.1")))

    assert "api-proxy-bypassed" in asked_for("api.anthropic.com")
    assert "api-proxy-bypassed" not in asked_for("telemetry.test")
