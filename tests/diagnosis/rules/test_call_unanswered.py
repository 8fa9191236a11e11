"""call-unanswered: where it is found, and where something only resembles it."""

from __future__ import annotations

from typing import Final

from tests.diagnosis.calls import CALL, OTHER, PROXY_SAYS, WELL, called, cause, found, golden
from tests.exchanges.network import API, Network, connect, response, say

SECOND: Final = 1_000_000_000


def test_a_call_without_an_answer_is_unanswered_where_the_api_proxy_lives_on() -> None:
    told = cause(called(CALL, None))

    assert (told.code, told.explains, told.of) == ("call-unanswered", 1, 1)
    assert "call-unanswered" not in found(called(CALL, response("500 Error", *PROXY_SAYS)))


def test_a_client_that_closes_its_sending_side_with_the_request_is_said() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(True).end(False).ack(True)

    told = cause(net.report())

    assert told.code == "call-unanswered"
    assert "closed its sending side with e1" in told.sentence
    assert "nc -N" in told.advice


def test_a_client_that_waits_in_vain_and_leaves_is_counted_too() -> None:
    net = Network()
    tcp = net.to_api_proxy().up(CALL).ack(False)
    tcp.end(True, after=4 * SECOND).end(False)

    told = cause(net.report())

    assert (told.code, told.of) == ("call-unanswered", 1)
    assert "for 4.0 s, then the client left" in told.sentence


def test_where_packets_are_missing_it_is_found_and_is_no_cause() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(False).end(True)
    net.to_api_proxy().ack(True, 50).end(True).end(False, offset=50)
    report = net.report()

    assert report.completeness.verdict == "incomplete"
    assert "call-unanswered" in found(report)
    assert report.root_cause is None


def test_a_whole_answer_is_none() -> None:
    net = Network()
    say(net.to_squid(), connect(API), response("403 Forbidden")).close()
    say(net.to_api_proxy(), CALL, response("502 Bad Gateway", *PROXY_SAYS)).close()

    assert "call-unanswered" not in found(net.report())


def test_a_client_that_left_a_capture_with_holes_may_have_got_an_answer() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(True).end(False)
    net.to_api_proxy().ack(True, 50).end(True).end(False, offset=50)
    report = net.report()

    assert report.completeness.verdict == "incomplete"
    assert "call-unanswered" not in found(report)


def test_attempts_that_failed_afterwards_are_counted() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).ack(False).end(True, after=4 * SECOND).end(False)
    for _ in range(2):
        net.refused_at_api_proxy()
    say(net.to_api_proxy(), OTHER, response("200 OK", body=WELL)).close()

    told = cause(net.report())

    assert told.code == "call-unanswered"
    assert "2 attempts to connect to its port afterwards failed." in told.details
    assert any(line.startswith("The API proxy lives") for line in told.details)


def test_a_gateway_that_closes_in_place_of_an_answer_left_its_calls_unanswered() -> None:
    told = cause(golden("nginx-closes"))

    assert (told.code, told.explains, told.of) == ("call-unanswered", 2, 2)
