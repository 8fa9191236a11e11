"""capture-incomplete: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, found, golden
from tests.exchanges.network import Network, request


def test_a_call_whose_end_is_lost_is_told() -> None:
    assert "capture-incomplete" in found(golden("lost-packets"))


def test_a_call_seen_whole_is_not() -> None:
    assert "capture-incomplete" not in found(golden("healthy-json"))


def test_a_call_that_ends_outside_the_capture_did_not_fail() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).ack(False)
    net.to_api_proxy().up(CALL).ack(False).down(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")

    assert set(found(net.report())) == {"capture-incomplete"}


def test_a_look_at_the_api_proxys_own_page_that_ends_outside_the_capture_is_no_call() -> None:
    net = Network()
    net.to_api_proxy().up(request("GET /health HTTP/1.1")).ack(False)

    assert "capture-incomplete" not in found(net.report())
