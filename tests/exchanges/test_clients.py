"""Who sent what where: one line for each address, user agent and service."""

from __future__ import annotations

import pytest

from inspector.exchanges.processes import SocketOwner
from inspector.inspection import Inspector
from inspector.model.network import Endpoint, Process
from inspector.model.topology import Client
from inspector.options import Options
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    KEY,
    PLACEHOLDER,
    SQUID,
    Network,
    connect,
    request,
    response,
    say,
)


def ask(agent: str | None, *fields: str, path: str = "/v1/messages") -> bytes:
    named = () if agent is None else (f"User-Agent: {agent}",)
    return request(f"GET {path} HTTP/1.1", *named, *fields)


def shape(client: Client) -> tuple[str, str | None, str, int]:
    return client.ip, client.user_agent, client.provider, client.requests


def test_a_client_is_an_address_a_user_agent_and_a_service() -> None:
    net = Network()
    say(net.to_api_proxy(10001), ask("claude/1"), response(), ask("claude/1"), response()).close()
    say(net.to_api_proxy(10001), ask("curl/8"), response()).close()
    say(net.to_api_proxy(10000), ask("claude/1"), response()).close()
    say(net.to_api_proxy(10001, "172.30.0.21"), ask("claude/1"), response()).close()
    say(net.to_api_proxy(10001), ask(None), response()).close()

    clients = net.report().clients

    assert [shape(client) for client in clients] == [
        (AGENT, "claude/1", "anthropic", 2),
        (AGENT, "curl/8", "anthropic", 1),
        (AGENT, "claude/1", "openai", 1),
        ("172.30.0.21", "claude/1", "anthropic", 1),
        (AGENT, None, "anthropic", 1),
    ]
    assert [client.role for client in clients] == ["agent"] * 5
    assert {client.service.ip for client in clients} == {API_PROXY}


def test_statuses_are_counted_and_no_answer_is_none() -> None:
    net = Network()
    for status in ("200 OK", "401 Unauthorized", "200 OK", "529 Overloaded"):
        say(net.to_api_proxy(), ask("lab"), response(status)).close()
    net.to_api_proxy().up(ask("lab")).ack(False).end(False).end(True)

    (client,) = net.report().clients

    assert client.statuses == {"200": 2, "401": 1, "529": 1, "none": 1}
    assert list(client.statuses) == sorted(client.statuses)
    assert client.requests == 5


def test_auth_headers_are_counted_by_name_scheme_and_credential() -> None:
    net = Network()
    key, bearer = f"x-api-key: {PLACEHOLDER}", f"Authorization: Bearer {PLACEHOLDER}"
    for fields in ((key, bearer), (key,), (f"x-api-key: {KEY}",), ()):
        say(net.to_api_proxy(), ask("lab", *fields), response()).close()

    (client,) = net.report().clients

    assert [(a.name, a.scheme, a.credential.kind, a.requests) for a in client.auth_headers] == [
        ("x-api-key", None, "placeholder", 2),
        ("Authorization", "Bearer", "placeholder", 1),
        ("x-api-key", None, "anthropic-api-key", 1),
    ]
    assert client.requests == 4


def test_a_header_sent_twice_in_one_request_is_one_request() -> None:
    net = Network()
    say(net.to_api_proxy(), ask("lab", *2 * (f"x-api-key: {KEY}",)), response()).close()

    told = net.report()

    assert [auth.requests for auth in told.clients[0].auth_headers] == [1]
    asked = told.exchanges[0].request
    assert asked is not None
    assert [auth.name for auth in asked.auth] == ["x-api-key", "x-api-key"]


def test_a_call_through_the_forward_proxy_is_of_the_service_it_is_for() -> None:
    net = Network()
    target = "http://172.30.0.30:10001/v1"
    say(net.to_squid(AGENT), ask("lab", path=target), response("403 Forbidden")).close()
    tunnel = say(net.to_squid(AGENT), connect("172.30.0.30:10001"), ESTABLISHED)
    say(tunnel, ask("lab"), response("403 Forbidden")).close()
    say(net.to_api_proxy(), ask("lab"), response()).close()

    (client,) = net.report().clients

    assert shape(client) == (AGENT, "lab", "anthropic", 3)
    assert (client.service.ip, client.service.port) == (API_PROXY, 10001)
    assert client.statuses == {"200": 1, "403": 2}


@pytest.mark.parametrize(
    "opened_by", [pytest.param(API_PROXY, id="api-proxy"), pytest.param(AGENT, id="agent")]
)
def test_a_tunnel_is_no_request(opened_by: str) -> None:
    net = Network()
    say(net.to_squid(opened_by), connect(), ESTABLISHED).close()

    assert net.report().clients == ()


def test_the_api_proxys_own_plain_requests_to_the_forward_proxy_are_not_clients_calls() -> None:
    net = Network()
    say(net.to_squid(), ask("node", path="http://api.lab.test/"), response()).close()

    told = net.report()

    assert [exchange.hop for exchange in told.exchanges] == ["api-proxy-to-forward-proxy"]
    assert told.clients == ()


def test_an_answer_without_its_request_is_nobodys_call() -> None:
    net = Network()
    net.to_api_proxy().down(response("408 Request Timeout")).close()

    told = net.report()

    assert len(told.exchanges) == 1
    assert told.clients == ()


def test_requests_to_nobody_special_are_listed_by_their_server() -> None:
    net = Network()
    say(net.to("172.30.0.99", 8080), ask("lab"), response()).close()
    say(net.to_api_proxy(9999, SQUID), ask("probe"), response()).close()

    clients = net.report().clients

    assert [shape(client) for client in clients] == [
        (AGENT, "lab", "unknown", 1),
        (SQUID, "probe", "unknown", 1),
    ]
    assert (clients[0].service.ip, clients[0].service.port) == ("172.30.0.99", 8080)


def test_program_and_container_tell_clients_apart_and_pids_do_not() -> None:
    net = Network()
    inspector = Inspector(Options(fingerprint_key=b"lab"))
    for pid, comm, container in (
        (11, "node", "agent"), (12, "node", "agent"), (13, "node", "other"), (14, "curl", "agent"),
    ):  # fmt: skip
        tcp = net.to_api_proxy()
        client, server = Endpoint(AGENT, 40_000 + pid - 10), Endpoint(API_PROXY, 10001)
        process = Process(pid=pid, comm=comm, container=container)
        inspector.claim(SocketOwner(client, server, "client", net.wire.now, process))
        say(tcp, ask("sdk/1"), response()).close()
    inspector.feed(net.wire.batch())
    found = inspector.finish().clients
    assert [[process.pid for process in client.processes] for client in found] == [
        [11, 12],
        [13],
        [14],
    ]
    assert [client.requests for client in found] == [2, 1, 1]
    assert found[0].process == found[0].processes[0]
