"""Four logs, one story."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.truth import Logs, squid, truth

AGENT, SERVICE, TUNNEL = "172.30.0.20:40001", "172.30.0.30:10001", "172.30.0.30:50001"
AUTH = [{"name": "x-api-key", "value": "sk-ant-api03-LABONLY"}]


def logs(*proxy: dict[str, Any], clients: list[dict[str, Any]] | None = None) -> Logs:
    request: dict[str, Any] = {"event": "request", "request": "r1", "kind": "http", "agent": AGENT}
    request |= {"server": SERVICE, "method": "POST", "target": "/v1/messages"}
    request |= {"header_names": ["Host"], "auth": []}
    return Logs(clients or [], [request, *proxy], [], [])


def sent(**more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "event": "sent",
        "request": "r1",
        "tunnel": TUNNEL,
        "host": "api.anthropic.com",
    }
    row |= {"method": "POST", "path": "/v1/messages", "header_names": ["x-api-key"]}
    return row | {"auth": AUTH, "tls": "TLSv1.3", "resumed": False} | more


def attempt(**more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "event": "attempt",
        "request": "r1",
        "tunnel": TUNNEL,
        "proxy": "172.30.0.10:3128",
    }
    row |= {"authority": "api.anthropic.com:443", "status": 200, "reason": "OK"}
    return row | {"squid_error": None} | more


def test_a_request_knows_its_tunnels_its_calls_and_its_answer() -> None:
    answered = {"event": "answered", "request": "r1", "status": 401, "source": "upstream"}
    response = {"event": "upstream_response", "tunnel": TUNNEL, "status": 401}
    story = truth(
        {"scenario": "s"},
        logs(attempt(), sent(), response | {"source": "upstream"}, answered | {"finished": True}),
    )
    request = story["agent_requests"][0]
    assert (request["status"], request["tunnels"], request["upstream_calls"]) == (
        401,
        [TUNNEL],
        [1],
    )
    assert story["proxy_tunnels"][0]["agent_requests"] == [1]
    assert story["upstream_calls"][0]["status"] == 401


def test_a_proxy_that_died_answered_nothing() -> None:
    story = truth({}, logs({"event": "exit", "code": 7}))
    request = story["agent_requests"][0]
    assert (request["status"], request["response_finished"], request["request_id"]) == (None,) * 3
    assert story["api_proxy_died"] is True


def test_what_the_upstream_received_is_compared_with_what_was_sent() -> None:
    received = sent() | {"event": "request", "target": "/v1/messages", "call": 1}
    received |= {"x_request_id": "r1"}
    for row, same in ((received, True), (received | {"header_names": ["X-Api-Key"]}, False)):
        story = truth({}, Logs([], logs(sent()).proxy, [row], []))
        assert story["upstream_calls"][0]["received"] is same


def test_an_attempt_that_never_connected_is_no_tunnel() -> None:
    story = truth({}, logs(attempt(tunnel=None, status=None, error="connect ECONNREFUSED")))
    assert story["proxy_tunnels"] == []
    assert story["agent_requests"][0]["tunnels"] == []
    assert story["vain_attempts"][0]["agent_requests"] == [1]


def test_a_client_that_does_not_tell_its_port_is_found_by_what_it_asked() -> None:
    row = {"event": "client_call", "program": "anthropic-node", "client": None, "via": "direct"}
    story = truth({}, logs(clients=[row | {"target": "/v1/messages"}]))
    assert story["agent_requests"][0]["made_by"] == "anthropic-node"


def test_squid_s_lines_are_read_with_ipv6_and_without_a_host(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(
        "1795460193.785 fd00:172:30::30:46754 api.openai.com:443 203.0.113.20:443 1.1 CONNECT 200 "
        'TCP_TUNNEL:HIER_DIRECT api.openai.com:443 "-"\n'
        '1795479939.680 172.30.0.20:43930 - -:- 1.1 GET 400 NONE_NONE:HIER_NONE /v1/models "-"\n'
    )
    first, second = squid(log)
    assert first["client"] == "[fd00:172:30::30]:46754"
    assert (first["method"], first["status"], first["url"]) == (
        "CONNECT",
        200,
        "api.openai.com:443",
    )
    assert (second["status"], second["url"]) == (400, "/v1/models")


def client(**more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"event": "client_call", "program": "curl", "n": 1, "via": "direct"}
    row |= {"client": AGENT, "server": SERVICE, "method": "POST", "target": "/v1/messages"}
    row |= {"header_names": ["Host"], "user_agent": None, "auth": [], "status": None}
    return row | {"error": "timed out", "started_at": 1.0} | more


def test_a_second_request_on_a_connection_that_the_api_proxy_did_not_read_is_an_agents() -> None:
    story = truth({}, logs(clients=[client(status=200), client()]))

    assert [request["request_read"] for request in story["agent_requests"]] == [True, None]
    assert story["agent_requests"][1]["status"] is None


def test_what_a_client_did_not_write_or_wrote_elsewhere_is_no_request() -> None:
    others = [
        client(client=None),
        client(header_names=None),
        client(server="203.0.113.10:443"),
        client(via="connect"),
    ]
    story = truth({}, Logs(clients=others))

    assert story["agent_requests"] == []


def test_nodes_own_answer_to_a_request_without_its_end_is_the_proxys() -> None:
    answered: dict[str, Any] = {"event": "answered", "request": "r1", "status": None}
    answered |= {"source": None, "finished": False, "read": False}
    unread: dict[str, Any] = {"event": "unread", "agent": AGENT, "status": 400}
    request = truth({}, logs(unread, answered))["agent_requests"][0]

    assert (request["status"], request["answered_by"], request["request_read"]) == (
        400,
        "proxy",
        False,
    )


def test_of_a_gateway_that_asks_by_itself_the_upstreams_record_tells() -> None:
    took = {"event": "request", "connection": 3, "host": "api.anthropic.com", "method": "POST"}
    took |= {"target": "/v1/messages", "header_names": ["host"], "auth": [], "x_request_id": None}
    tls = {"event": "tls", "connection": 3, "version": "TLSv1.2", "resumed": False}
    answer = {"event": "response", "connection": 3, "call": 1, "status": 401, "finished": True}
    broken = answer | {"call": 2, "status": 200, "finished": False}
    rows = [tls, took | {"call": 1}, answer, took | {"call": 2}, broken]

    story = truth({}, Logs([], [], rows, []), gateway_alone=True)

    assert [(call["status"], call["tls"]) for call in story["upstream_calls"]] == [
        (401, "TLSv1.2"),
        (None, "TLSv1.2"),
    ]
