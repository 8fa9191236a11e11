"""retry-storm: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import API_SAYS, CALL, error, found, golden, refusal
from tests.exchanges.network import Network, request, response, say

_FAILS = refusal(404, body=error("Not found"))


def test_five_failed_tries_in_a_row_are_a_storm() -> None:
    finding = found(golden("retry-storm"))["retry-storm"]

    assert finding.count == 1
    assert finding.title == "POST /v1/messages was tried 11 times in 5.3 s"


def test_fifty_calls_that_go_well_are_not() -> None:
    assert "retry-storm" not in found(golden("keep-alive-50"))


def test_attempts_at_a_port_that_refuses_are_counted() -> None:
    finding = found(golden("issue-1527"))["retry-storm"]

    assert finding.title == "10 connection attempts at one port failed"


def test_six_different_calls_that_fail_are_no_storm() -> None:
    net = Network()
    for number in range(6):
        say(net.to_api_proxy(), request(f"GET /v1/m{number} HTTP/1.1"), _FAILS).close()

    assert "retry-storm" not in found(net.report())


def test_bodies_of_different_lengths_are_different_calls() -> None:
    net = Network()
    for number in range(6):
        call = request("POST /v1/messages HTTP/1.1", body=b"x" * (number + 1))
        say(net.to_api_proxy(), call, _FAILS).close()

    assert "retry-storm" not in found(net.report())


def test_equal_calls_at_one_time_are_no_retries_of_each_other() -> None:
    net = Network()
    for _ in range(4):
        abreast = [net.to_api_proxy() for _ in range(10)]
        for tcp in abreast:
            tcp.send(True, CALL).ack(False)
        for tcp in abreast:
            tcp.send(False, _FAILS).ack(True)
            tcp.close()

    assert "retry-storm" not in found(net.report())


def test_a_success_of_the_same_call_ends_the_row() -> None:
    net = Network()
    for number in range(8):
        answer = response("200 OK", *API_SAYS) if number == 4 else _FAILS
        say(net.to_api_proxy(), CALL, answer).close()

    assert "retry-storm" not in found(net.report())
