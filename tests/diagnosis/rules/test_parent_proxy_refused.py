"""parent-proxy-refused: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from inspector.model.report import Report
from tests.diagnosis.calls import CALL, DENIED, PROXY_SAYS, cause, found, golden, proxy_error
from tests.exchanges.network import AGENT, API_PROXY, Network, connect, response, say

NEGOTIATE = "Proxy-Authenticate: Negotiate"
BASIC = 'Proxy-Authenticate: Basic realm="corp"'


def refused(answer: bytes, agent_gets: bytes | None = None, calls: int = 1) -> Report:
    """Calls whose CONNECTs are all answered alike; the API proxy says 502, or nothing."""
    net = Network()
    open_calls = [net.to_api_proxy().up(CALL).ack(False) for _ in range(calls)]
    for _ in range(calls):
        say(net.to_squid(), connect(), answer).close()
    for call in open_calls:
        if agent_gets is None:
            call.end(False).end(True)
        else:
            call.down(agent_gets).ack(True).close()
    say(net.to_api_proxy(), b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", response("200 OK")).close()
    return net.report()


def of(status: str, *fields: str) -> bytes:
    """A parent's head as Squid passes it on: its length, and no body."""
    return "\r\n".join((f"HTTP/1.1 {status}", *fields, "Content-Length: 0", "", "")).encode()


OWN_502 = response("502 Bad Gateway", *PROXY_SAYS, body=proxy_error("socket hang up"))


@pytest.mark.parametrize("agent_gets", [OWN_502, None], ids=["own-502", "nothing"])
def test_a_407_that_is_not_squids_names_the_login_that_is_wanted(agent_gets: bytes | None) -> None:
    told = cause(refused(of("407 Proxy Authentication Required", NEGOTIATE, BASIC), agent_gets))

    assert (told.code, told.explains, told.of) == ("parent-proxy-refused", 1, 1)
    assert "1 x 407" in told.sentence
    assert 'Proxy-Authenticate: Negotiate; Basic realm="corp".' in told.details
    assert "login=user:password" in told.advice


def test_without_basic_a_password_at_cache_peer_is_no_advice() -> None:
    told = cause(refused(of("407 Proxy Authentication Required", NEGOTIATE)))

    assert "takes Negotiate only" in told.advice


@pytest.mark.parametrize(
    ("status", "says"),
    [("403 Forbidden", "let the host through"), ("502 Bad Gateway", "cannot reach")],
)
def test_its_rules_and_its_own_failures_have_their_advice(status: str, says: str) -> None:
    told = cause(refused(of(status)))

    assert told.code == "parent-proxy-refused"
    assert says in told.advice
    assert "allow-list" not in told.advice


def test_which_tunnel_is_whose_need_not_be_known_where_all_were_refused_alike() -> None:
    told = cause(refused(of("407 Proxy Authentication Required", BASIC), calls=3))

    assert (told.code, told.explains, told.of) == ("parent-proxy-refused", 3, 3)


def test_squids_own_page_is_not_another_proxys() -> None:
    own = response("407 Proxy Authentication Required", "X-Squid-Error: ERR_CACHE_ACCESS_DENIED 0")

    assert "parent-proxy-refused" not in found(refused(own))
    assert "parent-proxy-refused" not in found(refused(DENIED))


def test_an_error_of_the_apis_is_not_a_proxys() -> None:
    assert "parent-proxy-refused" not in found(golden("upstream-500"))


def test_a_refused_connect_to_the_api_proxy_is_a_failed_call() -> None:
    net = Network()
    say(net.to_squid(AGENT), connect(f"{API_PROXY}:10001"), of("502 Bad Gateway")).close()

    told = cause(net.report())

    assert (told.code, told.explains, told.of) == ("parent-proxy-refused", 1, 1)
