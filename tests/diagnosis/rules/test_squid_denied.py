"""squid-denied: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, DENIED, cause, found, golden
from tests.exchanges.network import AGENT, API_PROXY, Network, connect, say


def test_squids_403_to_a_connect_is_a_denial() -> None:
    assert "squid-denied" in found(golden("squid-denied"))


def test_the_apis_403_is_not() -> None:
    assert "squid-denied" not in found(golden("upstream-403"))


def test_a_denied_connect_to_the_api_proxy_is_a_failed_call_and_the_port_is_named() -> None:
    net = Network()
    for _ in range(2):
        say(net.to_squid(AGENT), connect(f"{API_PROXY}:10001"), DENIED).close()

    report = net.report()
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("squid-denied", 2, 2)
    assert f"{API_PROXY}:10001: 2 x 403" in told.sentence
    assert [item.tunnel for item in told.evidence] == ["t1", "t2"]
    assert set(found(report)) == {"squid-denied"}
    assert {item.verdict for item in report.hypotheses} == {"refuted"}


def test_denied_connects_and_denied_calls_are_counted_together() -> None:
    net = Network()
    say(net.to_squid(AGENT), connect(f"{API_PROXY}:10001"), DENIED).close()
    say(net.to_api_proxy(), CALL, DENIED).close()

    told = cause(net.report())

    assert (told.code, told.explains, told.of) == ("squid-denied", 2, 2)
