"""stream-cut: where it is found, and where something only resembles it."""

from __future__ import annotations

from inspector.model.report import Report
from tests.diagnosis.calls import cause, found, golden
from tests.exchanges.network import Network
from tests.exchanges.test_websocket import OFFER, TAKEN
from tests.protocols.test_websocket import TEXT, close, frame


def test_a_stream_without_its_terminal_event_is_cut() -> None:
    assert "stream-cut" in found(golden("h3-upstream-cut"))


def test_a_stream_whose_client_left_after_the_terminal_event_is_not() -> None:
    assert "stream-cut" not in found(golden("client-leaves-after-done"))


def test_a_body_that_is_no_stream_is_cut_otherwise() -> None:
    assert "stream-cut" not in found(golden("upstream-json-cut"))


def websocket(code: int, *, by_server: bool = True) -> Report:
    """One call over a WebSocket that is closed with this status."""
    net = Network()
    tcp = net.to_api_proxy(10000).up(OFFER).down(TAKEN).down(frame(TEXT, b"one"))
    tcp.send(not by_server, close(code, mask=b"" if by_server else b"abcd"))
    tcp.close()
    return net.report()


def test_a_websocket_that_the_server_closes_with_an_error_is_cut() -> None:
    told = cause(websocket(1011))

    assert told.code == "stream-cut"
    assert "with 1011 after 1 message" in told.sentence


def test_a_websocket_that_ends_in_order_or_by_the_client_is_not() -> None:
    for report in (websocket(1000), websocket(1001), websocket(1011, by_server=False)):
        assert "stream-cut" not in found(report)
        assert {item.verdict for item in report.hypotheses} == {"not observable"}


def test_the_advice_says_which_side_broke_off() -> None:
    assert cause(golden("h3-upstream-cut")).advice.startswith(
        "The API, or the way to it, broke off t1"
    )
    assert cause(golden("h3-proxy-truncates")).advice == (
        "The API proxy closed first: read its log for the request of e1"
    )
