"""wrong-target: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from inspector.model.report import Report
from tests.diagnosis.calls import CALL, called, cause, openai, refusal, through
from tests.exchanges.network import (
    ESTABLISHED,
    Network,
    connect,
    play,
    report,
    request,
    say,
    tls,
)

_CHAT = request("POST /v1/chat/completions HTTP/1.1")
_NOT_FOUND = refusal(404, body=b'{"message":"No API found for \'POST /v1/chat/completions\'"}')


def test_a_good_path_at_a_host_that_does_not_have_it_went_to_the_wrong_target() -> None:
    told = cause(through("gateway.corp.example", _CHAT, _NOT_FOUND, port=10000))

    assert told.code == "wrong-target"
    assert "gateway.corp.example has no /v1/chat/completions" in told.sentence
    assert "OPENAI_API_TARGET" in told.advice


@pytest.mark.parametrize("status", [404, 405])
def test_a_web_page_of_another_host_is_no_api(status: int) -> None:
    page = refusal(status, body=b"<html>Not here</html>", kind="text/html")

    assert cause(through("www.corp.example", CALL, page)).code == "wrong-target"


def test_a_host_of_another_provider_is_named() -> None:
    answer = refusal(404, body=openai("Invalid URL (POST /v1/messages)"))
    told = cause(through("api.openai.com", CALL, answer))

    assert told.code == "wrong-target"
    assert any("is openai's" in line for line in told.details)


def test_the_providers_own_host_is_no_wrong_target() -> None:
    assert cause(through("api.openai.com", _CHAT, _NOT_FOUND, port=10000)).code == "wrong-path"


def test_without_a_tunnel_nobody_knows_the_host() -> None:
    assert cause(called(_CHAT, _NOT_FOUND)).code == "wrong-path"


def _at_once(*hosts: str) -> Report:
    """Calls that wait at once, each with a tunnel, and nothing to tell which is whose."""
    net = Network()
    calls = [net.to_api_proxy(10000) for _ in hosts]
    for tcp in calls:
        tcp.send(True, _CHAT).ack(False)
    for host in hosts:
        play(say(net.to_squid(), connect(f"{host}:443"), ESTABLISHED), tls(0))
    for tcp in calls:
        tcp.send(False, _NOT_FOUND).ack(True)
        tcp.close()
    first = net.wire.packets[0].at
    return report([packet._replace(at=first) for packet in net.wire.packets])


def test_which_tunnel_a_call_took_need_not_be_known_where_all_lead_to_one_host() -> None:
    told = _at_once("gateway.corp.example", "gateway.corp.example")

    assert told.root_cause is not None
    assert told.root_cause.code == "wrong-target"
    assert "gateway.corp.example" in told.root_cause.sentence


def test_of_tunnels_to_several_hosts_nobody_knows_which_answered() -> None:
    told = _at_once("gateway.corp.example", "api.openai.com")

    assert told.root_cause is not None
    assert told.root_cause.code != "wrong-target"


def test_something_else_that_a_gateway_does_not_find_is_not_the_target() -> None:
    answer = refusal(404, body=openai("No such File object: file-x"))

    told = cause(through("gateway.corp.example", _CHAT, answer, port=10000))

    assert told.code == "upstream-bad-request"
