"""redirected: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import CALL, DENIED, KEY, called, cause, error, refusal, through
from tests.exchanges.network import AGENT, Network, connect, request, response, say

_CHAT = request("POST /v1/chat/completions HTTP/1.1")
_ELSEWHERE = response(
    "308 X", "location: https://eu.api.openai.com/v1/chat/completions", "server: x"
)


def _to(path: str, status: int = 307) -> bytes:
    return response(f"{status} X", f"location: {path}", "server: x")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_api_call_that_is_sent_elsewhere_has_failed(status: int) -> None:
    told = cause(called(CALL, _to("https://other.example/v1/messages", status)))

    assert (told.code, told.explains, told.of) == ("redirected", 1, 1)
    assert f"1 x {status}" in told.sentence
    assert "other.example" in told.sentence
    assert "The answer names https://other.example/v1/messages." in told.details


def test_the_new_host_is_the_target_to_set_and_the_domain_to_allow() -> None:
    net = Network()
    say(net.to_squid(AGENT), connect("eu.api.openai.com:443"), DENIED).close()

    told = cause(through("api.openai.com", _CHAT, _ELSEWHERE, port=10000, net=net))

    assert told.code == "redirected"
    assert "OPENAI_API_TARGET to eu.api.openai.com" in told.advice
    assert any("CONNECT eu.api.openai.com with 403 (t1)" in line for line in told.details)
    assert "Point the client's base URL at the API proxy" not in told.advice


def test_a_redirect_whose_call_went_well_at_the_new_path_is_no_failure() -> None:
    net = Network()
    say(net.to_api_proxy(), CALL, _to("/v1/messages/")).close()
    well = response(body=b'{"type":"message"}')
    say(net.to_api_proxy(), request("POST /v1/messages/ HTTP/1.1", KEY), well).close()

    assert net.report().root_cause is None


def test_a_get_that_was_a_post_before_is_the_redirects_fault() -> None:
    net = Network()
    say(net.to_api_proxy(), CALL, _to("/v1/messages/", 302)).close()
    wrong = refusal(405, body=error("Method Not Allowed"))
    say(net.to_api_proxy(), request("GET /v1/messages/ HTTP/1.1", KEY), wrong).close()

    told = cause(net.report())

    assert (told.code, told.explains, told.of) == ("redirected", 2, 2)
    assert any("made a GET of a POST" in group.sentence for group in told.others)


@pytest.mark.parametrize("answer", [response("304 Not Modified"), response("300 X")])
def test_a_3xx_without_an_address_sends_nobody_anywhere(answer: bytes) -> None:
    report = called(request("GET /v1/models HTTP/1.1", KEY), answer)

    assert report.root_cause is None or report.root_cause.code != "redirected"


def test_a_refusal_that_sends_nobody_anywhere_is_no_redirect() -> None:
    told = cause(called(CALL, refusal(500, body=error("Internal server error"))))

    assert told.code == "upstream-server-error"
