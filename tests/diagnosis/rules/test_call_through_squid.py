"""call-through-squid: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, WELL, found, golden
from tests.exchanges.network import Network, response, say


def test_a_call_in_absolute_form_at_squid_is_told() -> None:
    assert "call-through-squid" in found(golden("through-squid-absolute"))


def test_other_traffic_at_squid_is_not() -> None:
    assert "call-through-squid" not in found(golden("denied-side-traffic"))


def test_a_call_by_way_of_a_gateway_before_the_api_proxy_is_not() -> None:
    net = Network()
    front = net.to("172.30.0.25", 8080)
    front.up(CALL).ack(False)
    say(net.to_api_proxy(client="172.30.0.25"), CALL, response("200 OK", body=WELL)).close()
    front.down(response("200 OK", body=WELL)).ack(True).close()
    report = net.report()

    assert [leg.relays for leg in report.exchanges] == [None, "e1"]
    assert "call-through-squid" not in found(report)
