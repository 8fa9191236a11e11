"""websocket-refused: where it is found, and where something only resembles it."""

from __future__ import annotations

from typing import Final

from tests.diagnosis.calls import API_SAYS, KEY, found
from tests.exchanges.network import Network, request, response, say

OFFER: Final = request(
    "GET /v1/responses HTTP/1.1", KEY, "Connection: Upgrade", "Upgrade: websocket"
)
POST: Final = request("POST /v1/responses HTTP/1.1", KEY, body=b'{"model":"x"}')


def test_a_refused_websocket_that_a_post_makes_good_is_a_note_alone() -> None:
    net = Network()
    say(net.to_api_proxy(), OFFER, response("426 Upgrade Required", *API_SAYS)).close()
    say(net.to_api_proxy(), POST, response("200 OK", *API_SAYS)).close()
    report = net.report()

    assert found(report)["websocket-refused"].severity == "note"
    assert report.root_cause is None
    assert {finding.severity for finding in report.findings} == {"note"}


def test_a_websocket_that_opens_and_a_refused_post_are_something_else() -> None:
    net = Network()
    opened = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    say(net.to_api_proxy(), OFFER, opened).close()
    say(net.to_api_proxy(), POST, response("426 Upgrade Required", *API_SAYS)).close()

    assert "websocket-refused" not in found(net.report())
