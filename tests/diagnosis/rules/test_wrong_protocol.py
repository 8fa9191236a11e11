"""wrong-protocol: where it is found, and where something only resembles it."""

from __future__ import annotations

from typing import Final

from tests.diagnosis.calls import API_SAYS, CALL, KEY, cause, found
from tests.exchanges.network import API, Network, connect, play, request, response, say, tls

BAD: Final = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"


def test_tls_on_the_plain_port_is_said_and_no_call_is_denied() -> None:
    net = Network()
    hello = tls().flights[0][1]
    for _ in range(2):
        say(net.to_api_proxy(), hello, BAD).reset(True)
    report = net.report()
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("wrong-protocol", 2, 2)
    assert told.sentence.startswith("TLS to plain port 172.30.0.30:10001: 2 attempts, HTTP 400")
    assert "http:// in place of https://" in told.advice
    # It heads the page all the same.
    assert found(report)["wrong-protocol"].severity == "note"
    assert "no-api-call" not in found(report)
    assert {item.verdict for item in report.hypotheses} == {"not observable"}


def test_tls_that_a_gateway_takes_is_in_order() -> None:
    net = Network()
    play(net.to_api_proxy(), tls()).close()

    assert "wrong-protocol" not in found(net.report())


def test_a_connect_to_the_api_proxy_takes_it_for_a_forward_proxy() -> None:
    net = Network()
    net.to_api_proxy().up(connect(API)).ack(False).end(False).end(True)
    told = cause(net.report())

    assert (told.code, told.of) == ("wrong-protocol", 1)
    assert f"CONNECT {API}" in told.sentence
    assert "HTTPS_PROXY" in told.advice


def test_a_connect_that_it_grants_is_in_order() -> None:
    net = Network()
    say(net.to_api_proxy(), connect(API), b"HTTP/1.1 200 OK\r\n\r\n").close()

    assert "wrong-protocol" not in found(net.report())


def test_another_hosts_url_in_the_request_line_takes_it_for_a_forward_proxy() -> None:
    net = Network()
    asked = request("POST http://api.anthropic.com/v1/messages HTTP/1.1", KEY)
    say(net.to_api_proxy(), asked, response("404 Not Found", "Content-Type: text/plain")).close()
    told = cause(net.report())

    assert told.code == "wrong-protocol"
    assert "api.anthropic.com" in told.sentence


def test_its_own_url_in_the_request_line_and_an_answer_of_the_api_are_in_order() -> None:
    for host, fields in (("172.30.0.30:10001", ()), ("api.anthropic.com", API_SAYS)):
        net = Network()
        asked = request(f"POST http://{host}/v1/messages HTTP/1.1", KEY)
        say(net.to_api_proxy(), asked, response("404 Not Found", *fields)).close()
        say(net.to_api_proxy(), CALL, response("500 Error", *API_SAYS)).close()

        assert "wrong-protocol" not in found(net.report())
