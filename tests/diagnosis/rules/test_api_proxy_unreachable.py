"""api-proxy-unreachable: where it is found, and where something only resembles it."""

from __future__ import annotations

from collections.abc import Callable

from tests.diagnosis.calls import CALL, found, golden
from tests.exchanges.network import Network, response, say


def test_nobody_at_the_address_from_the_start_is_unreachable() -> None:
    def attempted(then: Callable[[Network], object]) -> set[str]:
        net = Network()
        tcp = net.to_api_proxy()
        net.wire.packets.clear()
        tcp.syn().syn(after=1_000_000_000)
        then(net)
        return set(found(net.report()))

    later = attempted(lambda net: say(net.to_api_proxy(), CALL, response()).close())

    assert "api-proxy-unreachable" in attempted(lambda net: None)
    assert "api-proxy-unreachable" not in later


def test_a_port_that_refuses_is_another_finding() -> None:
    net = Network()
    net.refused_at_api_proxy()

    assert "api-proxy-unreachable" not in found(net.report())


def test_a_host_that_is_off_the_bridge_is_unreachable() -> None:
    assert found(golden("api-proxy-gone"))["api-proxy-unreachable"].severity == "error"
