"""request-not-acknowledged: where it is found, and where something only resembles it."""

from __future__ import annotations

from typing import Final

from inspector.model.report import Report
from tests.diagnosis.calls import API_SAYS, KEY, cause, found
from tests.exchanges.network import Network, request, response, say

SECOND: Final = 1_000_000_000
LARGE: Final = request("POST /v1/messages HTTP/1.1", KEY, body=b"x" * 2800)
SMALL: Final = request("POST /v1/messages HTTP/1.1", KEY, body=b"x" * 80)


def sent_again(times: int, *, taken: bool = False, gives_up: bool = False) -> Report:
    """A small call that is answered, then a large one of which nothing arrives."""
    net = Network()
    say(net.to_api_proxy(), SMALL, response("200 OK", *API_SAYS)).close()
    tcp = net.to_api_proxy()
    for start in range(0, len(LARGE), 1448):
        tcp.send(True, LARGE[start : start + 1448])
    for number in range(times):
        tcp.send(True, LARGE[:1448], 0, after=SECOND // 5 << number)
    if taken:
        tcp.ack(False)
    if gives_up:
        tcp.send(True, b"", flags=0x14, ident=0)
    return net.report()


def test_a_request_that_is_sent_again_in_vain_did_not_arrive() -> None:
    for gives_up in (False, True):
        told = cause(sent_again(4, gives_up=gives_up))

        assert (told.code, told.explains, told.of) == ("request-not-acknowledged", 1, 1)
        assert told.sentence.startswith(
            f"{len(LARGE):,} bytes of e2 were never acknowledged, sent again 4 times"
        )
        assert told.details == (
            "Segments of up to 1,448 bytes did not get through.",
            "Calls with bodies of up to 80 bytes were answered on this port.",
        )


def test_what_is_acknowledged_in_the_end_or_sent_again_once_is_the_networks_daily_loss() -> None:
    for report in (sent_again(4, taken=True), sent_again(1), sent_again(0)):
        assert "request-not-acknowledged" not in found(report)
        assert report.root_cause is None


def test_a_call_that_failed_otherwise_did_arrive() -> None:
    net = Network()
    say(net.to_api_proxy(), SMALL, response("500 Error", *API_SAYS)).close()

    assert "request-not-acknowledged" not in found(net.report())
