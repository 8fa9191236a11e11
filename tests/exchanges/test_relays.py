"""One call on two legs, one tunnel recorded twice: joined, and counted once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspector.exchanges.ledger import DirectTlsRecord, ExchangeRecord, TunnelRecord
from inspector.exchanges.relays import FORWARD_LIMIT_NS, find_egress, find_relays
from inspector.exchanges.topology import Roles
from inspector.model.http import Request
from inspector.model.network import Endpoint, Tls
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    GATEWAY,
    KEY,
    SQUID,
    UPSTREAM,
    Network,
    connect,
    only_tunnel,
    play,
    request,
    response,
    say,
    tls,
)
from tests.flows.build import Tcp
from tests.growth import grows_linearly

SERVICE = "172.30.0.30:10001"


def call(path: str, *, absolute: bool = False, key: str = KEY, body: bytes = b"{}") -> bytes:
    target = f"http://{SERVICE}{path}" if absolute else path
    return request(f"POST {target} HTTP/1.1", "User-Agent: lab/1", f"x-api-key: {key}", body=body)


def absolute_form(net: Network) -> tuple[Tcp, Callable[..., bytes]]:
    return net.to_squid(AGENT), lambda path, **more: call(path, absolute=True, **more)


def inside_connect(net: Network) -> tuple[Tcp, Callable[..., bytes]]:
    return say(net.to_squid(AGENT), connect(SERVICE), ESTABLISHED), call


ways = pytest.mark.parametrize("way", [absolute_form, inside_connect])


@ways
def test_the_second_leg_of_a_call_relays_the_first(
    way: Callable[..., tuple[Tcp, Callable[..., bytes]]],
) -> None:
    net = Network()
    first, said = way(net)
    first.up(said("/v1/messages"))
    say(net.to_api_proxy(client=SQUID), call("/v1/messages"), response("401 Unauthorized")).close()
    first.down(response("401 Unauthorized")).close()

    told = net.report()
    agent_side, second = told.exchanges

    assert (agent_side.relays, second.relays) == (None, agent_side.id)
    assert second.hop == "forward-proxy-to-api-proxy"
    assert agent_side.provider == second.provider == "anthropic"
    (client,) = told.clients
    assert (client.ip, client.requests, client.statuses) == (AGENT, 1, {"401": 1})
    assert (client.service.ip, client.service.port) == (API_PROXY, 10001)


@ways
def test_identical_calls_side_by_side_are_joined_in_their_order(
    way: Callable[..., tuple[Tcp, Callable[..., bytes]]],
) -> None:
    net = Network()
    firsts = [way(net) for _ in range(3)]
    seconds = [net.to_api_proxy(client=SQUID) for _ in range(3)]
    for tcp, said in firsts:
        tcp.up(said("/v1/messages"))
    for tcp in seconds:
        tcp.up(call("/v1/messages"))
    for tcp in [*seconds, *(first for first, _ in firsts)]:
        tcp.down(response()).close()

    told = net.report()

    assert {e.id: e.relays for e in told.exchanges} == {
        "e1": None, "e2": None, "e3": None, "e4": "e1", "e5": "e2", "e6": "e3",
    }  # fmt: skip
    assert [client.requests for client in told.clients] == [3]


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/v1/complete"},
        {"path": "/v1/messages", "key": KEY.replace("x", "y")},
        {"path": "/v1/messages", "body": b"{ }"},
    ],
)
def test_a_leg_that_differs_is_a_call_of_the_forward_proxy(other: dict[str, str]) -> None:
    net = Network()
    first, said = absolute_form(net)
    first.up(said("/v1/messages"))
    say(net.to_api_proxy(client=SQUID), call(**other), response()).close()  # type: ignore[arg-type]
    first.down(response()).close()

    told = net.report()

    assert [exchange.relays for exchange in told.exchanges] == [None, None]
    assert [(c.ip, c.role) for c in told.clients] == [(AGENT, "agent"), (SQUID, "forward-proxy")]


def test_a_leg_without_its_first_is_a_call_of_the_forward_proxy() -> None:
    net = Network()
    say(net.to_api_proxy(client=SQUID), call("/v1/messages"), response()).close()

    told = net.report()

    assert [exchange.relays for exchange in told.exchanges] == [None]
    assert [(c.ip, c.role, c.requests) for c in told.clients] == [(SQUID, "forward-proxy", 1)]


def test_a_call_that_was_answered_before_is_not_relayed_any_more() -> None:
    """Squid refused the first try; the leg is that of the second."""
    net = Network()
    for status in ("403 Forbidden", "200 OK"):
        first, said = absolute_form(net)
        first.up(said("/v1/messages"))
        if status == "200 OK":
            say(net.to_api_proxy(client=SQUID), call("/v1/messages"), response()).close()
        first.down(response(status)).close()

    told = net.report()

    assert [exchange.relays for exchange in told.exchanges] == [None, None, "e2"]


def test_a_leg_before_its_call_or_long_after_it_is_not_of_it() -> None:
    net = Network()
    early = net.to_api_proxy(client=SQUID)
    early.up(call("/v1/messages"))
    first, said = absolute_form(net)
    first.up(said("/v1/messages"))
    late = net.to_api_proxy(client=SQUID).up(call("/v1/messages"), after=31_000_000_000)
    for tcp in (early, late, first):
        tcp.down(response()).close()

    assert [exchange.relays for exchange in net.report().exchanges] == [None] * 3


# -- egress: the tunnel's TLS a second time -------------------------------------------


def test_the_proxys_own_leg_is_joined_to_its_tunnel_by_the_hello() -> None:
    net = Network()
    inner = say(net.to_squid(), connect(), ESTABLISHED)
    outer = net.to(UPSTREAM, 443, SQUID)
    for up, data in tls().flights:
        for tcp in (inner, outer) if up else (outer, inner):
            tcp.send(up, data)
    inner.close()
    outer.close()

    told = net.report()

    egress = only_tunnel(told).egress
    assert egress is not None
    assert (egress.server.ip, egress.server.port, egress.connection) == (UPSTREAM, 443, "c2")
    assert told.direct_tls == ()
    assert len(told.connections) == 2


def test_two_tunnels_have_each_their_own_leg() -> None:
    net = Network()
    for serial in (0, 1):
        play(say(net.to_squid(), connect(), ESTABLISHED), tls(serial)).close()
    for serial in (1, 0):
        play(net.to(UPSTREAM, 443, SQUID), tls(serial)).close()

    told = net.report()

    assert [t.egress and t.egress.connection for t in told.tunnels] == ["c4", "c3"]
    assert told.direct_tls == ()


@pytest.mark.parametrize(("client", "serial"), [(SQUID, 1), (AGENT, 0)])
def test_another_hello_or_another_host_is_no_leg_of_the_tunnel(client: str, serial: int) -> None:
    net = Network()
    play(say(net.to_squid(), connect(), ESTABLISHED), tls(0)).close()
    play(net.to(UPSTREAM, 443, client), tls(serial)).close()

    told = net.report()

    assert only_tunnel(told).egress is None
    assert [direct.client.ip for direct in told.direct_tls] == [client]


def test_tls_that_belongs_to_no_tunnel_is_direct() -> None:
    net = Network()
    play(net.to(UPSTREAM, 443), tls()).close()
    play(net.to(UPSTREAM, 8443, GATEWAY), tls(1)).reset(True)

    told = net.report()

    first, second = told.direct_tls
    assert (first.id, first.connection, first.tls.sni) == ("d1", "c1", "api.lab.test")
    assert (first.bytes_up, first.bytes_down) == (len(tls().of(True)), len(tls().of(False)))
    assert (second.client.ip, second.server.port) == (GATEWAY, 8443)
    assert told.tunnels == ()


# -- names of services ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "service"),
    [
        ("http://172.30.0.30:10001/v1", (API_PROXY, 10001)),
        ("HTTP://API.openai.com/v1", ("api.openai.com", 80)),
        ("https://api.openai.com/v1", ("api.openai.com", 443)),
        ("http://[fd00::30]:10001/", ("fd00::30", 10001)),
        ("http://host:port/", (SQUID, 3128)),
        ("/v1", (SQUID, 3128)),
        ("/http://elsewhere/", (SQUID, 3128)),
        ("/?u=a://b", (SQUID, 3128)),
        ("*", (SQUID, 3128)),
    ],
)
def test_an_absolute_target_names_the_service_and_a_path_never_does(
    target: str, service: tuple[str, int]
) -> None:
    net = Network()
    say(net.to_squid(AGENT), request(f"GET {target} HTTP/1.1"), response()).close()

    (client,) = net.report().clients

    assert (client.service.ip, client.service.port) == service


# --- cost -----------------------------------------------------------------------------------


def stale_first_legs(n: int) -> Callable[[], object]:
    """n calls through the forward proxy that were never passed on, then n that were."""
    stale = [exchange(2 * k, AGENT, SQUID, k) for k in range(n)]
    late = FORWARD_LIMIT_NS + n
    again = [exchange(2 * n + k, AGENT, SQUID, late + 2 * k) for k in range(n)]
    seconds = [exchange(3 * n + k, SQUID, API_PROXY, late + 2 * k + 1) for k in range(n)]
    return lambda: find_relays([*stale, *again, *seconds], Roles())


def unlike_first_legs(n: int) -> Callable[[], object]:
    """n calls that wait, of which each has another size than the n that are passed on."""
    waiting = [exchange(k, AGENT, SQUID, k, body=k) for k in range(n)]
    seconds = [exchange(n + k, SQUID, API_PROXY, n + k, body=n + k) for k in range(n)]
    return lambda: find_relays([*waiting, *seconds], Roles())


def equal_hellos(n: int) -> Callable[[], object]:
    """n tunnels and n connections of somebody else with the same ClientHello."""
    hello = b"hello"
    tunnels = [
        TunnelRecord(k, k, Endpoint(API_PROXY, k), Endpoint(SQUID, 3128), 1, k, hello=hello)
        for k in range(n)
    ]
    seen = Tls(None, None, (), None, "complete")
    others = [
        DirectTlsRecord(
            n + k, Endpoint(AGENT, k), Endpoint(UPSTREAM, 443), seen, hello,
            0, 0, 0, 0, None, None, k, None, None, 1, False,
        )
        for k in range(n)
    ]  # fmt: skip
    return lambda: find_egress(tunnels, others)


def exchange(number: int, client: str, server: str, at: int, *, body: int = 2) -> ExchangeRecord:
    """A call for the API proxy, in absolute form where it goes to the forward proxy."""
    target = f"http://{SERVICE}/v1/messages" if server == SQUID else "/v1/messages"
    asked = Request(
        method="POST", target=target, http_version="HTTP/1.1", host=None, user_agent=None,
        headers=(), auth=(), steering={}, body_bytes=body, complete=True, packet=1,
        started_at=at, ended_at=at,
    )  # fmt: skip
    port = 3128 if server == SQUID else 10001
    ends = Endpoint(client, 40000), Endpoint(server, port)
    return ExchangeRecord(number, number, *ends, None, None, asked, None, None, "complete")


@pytest.mark.parametrize("make", [stale_first_legs, unlike_first_legs, equal_hellos])
def test_joining_legs_costs_in_proportion_to_their_number(
    make: Callable[[int], Callable[[], object]],
) -> None:
    assert grows_linearly(make, 100)


def test_of_waiting_calls_the_earliest_of_the_same_size_is_passed_on() -> None:
    first = [exchange(k, AGENT, SQUID, k, body=k % 2) for k in range(4)]
    legs = [exchange(10 + k, SQUID, API_PROXY, 10 + k, body=body) for k, body in enumerate((1, 0))]
    assert find_relays([*first, *legs], Roles()) == {10: 1, 11: 0}
