"""h2c-refused: where it is found, and where something only resembles it."""

from __future__ import annotations

from typing import Final

import pytest

from tests.diagnosis.calls import API_SAYS, KEY, cause, found
from tests.exchanges.network import Network, request, response, say

OFFER: Final = request(
    "POST /v1/messages HTTP/1.1",
    KEY,
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    body=b"{}",
)
BAD: Final = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
#: RFC 9113 3.4, and an empty SETTINGS frame.
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


def test_an_offered_upgrade_that_a_bare_400_refuses_is_the_cause() -> None:
    net = Network()
    for _ in range(2):
        say(net.to_api_proxy(), OFFER, BAD).end(False).end(True)
    told = cause(net.report())

    assert (told.code, told.explains, told.of) == ("h2c-refused", 2, 2)
    assert "h2c" in told.sentence
    assert "HTTP/1.1" in told.advice


def test_an_offer_that_is_closed_without_an_answer_is_the_cause_too() -> None:
    net = Network()
    net.to_api_proxy().up(OFFER).end(False).end(True)

    assert cause(net.report()).code == "h2c-refused"


@pytest.mark.parametrize(
    "answer",
    [
        response("401 Unauthorized", *API_SAYS, body=b'{"error":{"message":"invalid"}}'),
        response("400 Bad Request", *API_SAYS, body=b'{"error":{"message":"bad model"}}'),
        response("401 Unauthorized"),
        response("200 OK", *API_SAYS),
    ],
)
def test_an_offer_beside_an_answer_about_something_else_is_not(answer: bytes) -> None:
    net = Network()
    say(net.to_api_proxy(), OFFER, answer).close()

    assert "h2c-refused" not in found(net.report())


@pytest.mark.parametrize("answer", [BAD, b""])
def test_http2_without_an_offer_is_refused_by_http1_or_by_a_close(answer: bytes) -> None:
    net = Network()
    tcp = net.to_api_proxy().up(PREFACE).ack(False)
    if answer:
        tcp.down(answer)
    tcp.end(False).end(True)
    report = net.report()
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("h2c-refused", 1, 1)
    assert "no-api-call" not in found(report)


def test_http2_that_is_answered_in_http2_is_not_refused_and_is_not_well_either() -> None:
    net = Network()
    say(net.to_api_proxy(), PREFACE, PREFACE[24:]).close()
    report = net.report()

    assert "h2c-refused" not in found(report)
    assert "no-api-call" not in found(report)
    assert {item.verdict for item in report.hypotheses} == {"not observable"}


def test_a_call_without_an_offer_was_not_refused_for_one() -> None:
    net = Network()
    say(net.to_api_proxy(), request("POST /v1/messages HTTP/1.1", KEY), BAD).end(False).end(True)

    assert "h2c-refused" not in found(net.report())
