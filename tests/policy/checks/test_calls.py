from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.model.capture import Unread
from inspector.policy.model import Auth
from tests.exchanges.network import KEY as REAL
from tests.exchanges.network import PLACEHOLDER, Network, request, response, say
from tests.policy.checks.holding import BROKEN, KEPT, NOT_PROVEN, found, held

KEY = f"x-api-key: {PLACEHOLDER}"


def call(
    net: Network, status: str = "200 OK", *fields: str, port: int = 10001,
    target: str = "/v1/messages", body: bytes = b"{}", answer: bytes = b"{}",
) -> Network:  # fmt: skip
    """One call and its answer, on a connection of its own."""
    say(
        net.to_api_proxy(port),
        request(f"POST {target} HTTP/1.1", KEY, *fields, body=body),
        response(status, "content-type: application/json", body=answer),
    ).close()
    return net


def unanswered(net: Network) -> Network:
    """A call whose connection the capture does not show to its end."""
    net.to_api_proxy().up(request("POST /v1/messages HTTP/1.1", KEY))
    return net


def test_a_forbidden_provider_may_not_be_called() -> None:
    net = call(Network(), port=10000)
    assert found(net, provider="openai", forbid=True) == ["a call"]
    assert held(net, provider="anthropic", forbid=True).exit_code == KEPT
    assert found(net, forbid=True) == ["a call"]


@pytest.mark.parametrize(("calls", "most", "code"), [(1, 0, BROKEN), (2, 2, KEPT), (3, 2, BROKEN)])
def test_at_most_so_many_calls(calls: int, most: int, code: int) -> None:
    net = Network()
    for _ in range(calls):
        call(net)
    assert held(net, max_calls=most).exit_code == code


def test_the_calls_beyond_the_limit_are_named() -> None:
    net = call(call(call(Network())))
    (remark,) = held(net, max_calls=1).broken
    assert (remark.expected, remark.found, remark.where) == ("at most 1 call", "3", ("e2", "e3"))


@pytest.mark.parametrize(("tries", "most", "code"), [(1, 0, KEPT), (2, 0, BROKEN), (4, 3, KEPT)])
def test_a_retry_is_the_same_request_after_a_failure(tries: int, most: int, code: int) -> None:
    net = Network()
    for _ in range(tries):
        call(net, "529 Overloaded")
    assert held(net, max_retries=most).exit_code == code


@pytest.mark.parametrize("other", [{"target": "/v1/complete"}, {"body": b"{  }"}, {"port": 10000}])
def test_another_request_is_no_retry(other: dict[str, object]) -> None:
    net = call(Network(), "529 Overloaded")
    call(net, "529 Overloaded", **other)  # type: ignore[arg-type]
    assert held(net, max_retries=0).exit_code == KEPT


def test_the_same_request_after_a_success_is_none() -> None:
    assert held(call(call(Network())), max_retries=0).exit_code == KEPT


def test_the_client_s_own_count_counts() -> None:
    net = call(Network(), "200 OK", "X-Stainless-Retry-Count: 2")
    assert found(net, max_retries=1) == ["one tried again twice"]
    assert held(net, max_retries=2).exit_code == KEPT


@pytest.mark.parametrize(("most", "code"), [(0, BROKEN), (1, KEPT)])
def test_at_most_so_many_failed_calls(most: int, code: int) -> None:
    net = call(call(Network()), "500 Internal Server Error")
    assert held(net, max_failed=most).exit_code == code


def test_an_answer_that_is_not_in_the_capture_may_be_a_failure() -> None:
    assert held(unanswered(call(Network())), max_failed=0).exit_code == NOT_PROVEN


def test_only_some_clients() -> None:
    net = call(Network(), "200 OK", "User-Agent: claude-cli/2.1.88 (external, cli)")
    assert held(net, clients=("claude-cli/*",)).exit_code == KEPT
    assert found(net, clients=("codex_cli_rs/*",)) == ["claude-cli/2.1.88 (external, cli)"]


def test_a_client_that_does_not_say_who_it_is_is_none_of_them() -> None:
    assert found(call(Network()), clients=("*",)) == ["one that does not say who it is"]


def test_an_expectation_may_speak_of_one_client_alone() -> None:
    net = call(Network(), "404 Not Found", "User-Agent: curl/8.5.0")
    call(net, "200 OK", "User-Agent: claude-cli/2.1.88")
    assert held(net, client="claude-cli/*", statuses=("200",)).exit_code == KEPT
    assert found(net, client="curl/*", statuses=("200",)) == ["status 404"]


def test_a_process_that_nobody_saw_is_not_proven_to_be_another() -> None:
    judgement = held(call(Network()), process="node", statuses=("2xx",))
    assert judgement.exit_code == NOT_PROVEN
    assert "nobody saw whose they are" in judgement.doubts[0].found


def test_only_some_models() -> None:
    net = call(Network(), answer=b'{"type":"message","model":"claude-opus-4-1"}')
    assert held(net, models=("claude-*",)).exit_code == KEPT
    assert found(net, models=("claude-haiku-*",)) == ["claude-opus-4-1"]


def test_a_call_that_failed_used_no_model() -> None:
    assert held(call(Network(), "500 Internal Server Error"), models=("a",)).exit_code == KEPT


def test_an_answer_that_names_no_model_proves_nothing_of_it() -> None:
    assert held(call(Network()), models=("a",)).exit_code == NOT_PROVEN


def test_only_some_paths_whatever_their_query() -> None:
    net = call(Network(), target="/v1/messages?beta=true")
    assert held(net, paths=("/v1/messages",)).exit_code == KEPT
    assert held(net, paths=("/v1/*",)).exit_code == KEPT
    assert found(net, paths=("/v1/responses",)) == ["/v1/messages"]


def test_a_websocket_that_was_opened_is_well() -> None:
    net = Network()
    upgrade = request(
        "GET /v1/responses HTTP/1.1", KEY, "Connection: Upgrade", "Upgrade: websocket"
    )
    opened = response("101 Switching Protocols", "Connection: upgrade", "Upgrade: websocket")
    say(net.to_api_proxy(10000), upgrade, opened).close()
    assert held(net, statuses=("2xx", "429")).broken == ()


def test_nothing_of_it_is_proven_where_a_connection_was_not_read() -> None:
    report = call(Network()).report()
    unread = Unread(report.connections[0].id, "gap", None)
    told = replace(report.completeness, verdict="incomplete", because=("x",), unread=(unread,))
    lacking = replace(report, completeness=told)
    for asked in ({"max_calls": 5}, {"paths": ("*",)}, {"max_failed": 1}, {"max_retries": 1}):
        assert held(lacking, **asked).exit_code == NOT_PROVEN, asked


def test_a_look_at_the_api_proxy_s_own_health_is_no_call() -> None:
    net = Network()
    say(net.to_api_proxy(10000), request("GET /health HTTP/1.1"), response()).close()
    assert held(net, provider="openai", forbid=True).exit_code == KEPT
    assert held(net, auth=Auth(("x-api-key",))).exit_code == KEPT
    assert held(net, min_calls=1).exit_code == BROKEN


def test_and_yet_it_may_carry_no_key() -> None:
    net = Network()
    say(net.to_api_proxy(), request("GET /health HTTP/1.1", f"x-api-key: {REAL}"), response())
    assert found(net, placeholder_only=True) == ["another credential"]
