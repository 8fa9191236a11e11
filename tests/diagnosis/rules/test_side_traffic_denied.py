"""side-traffic-denied: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import DENIED, found, golden
from tests.exchanges.network import AGENT, API_PROXY, Network, connect, request, response, say


def test_a_denied_connect_beside_the_calls_is_told() -> None:
    assert "side-traffic-denied" in found(golden("denied-side-traffic"))


def test_a_denied_call_is_none_of_it() -> None:
    assert "side-traffic-denied" not in found(golden("squid-denied"))


@pytest.mark.parametrize(
    ("authority", "answer"),
    [("telemetry.test:443", DENIED), (f"{API_PROXY}:10001", response("503 Unavailable"))],
    ids=["another-host", "not-denied"],
)
def test_any_other_connect_of_the_agent_is_no_call(authority: str, answer: bytes) -> None:
    net = Network()
    say(net.to_squid(AGENT), connect(authority), answer).close()

    report = net.report()

    assert report.root_cause is None
    assert set(found(report)) == {"side-traffic-denied", "no-api-call"}


@pytest.mark.parametrize(("answer", "told"), [(DENIED, True), (response(), False)])
def test_a_plain_request_that_squid_denies_is_side_traffic(answer: bytes, *, told: bool) -> None:
    net = Network()
    say(net.to_squid(AGENT), request("GET http://telemetry.test/ HTTP/1.1"), answer).close()

    assert ("side-traffic-denied" in found(net.report())) is told
