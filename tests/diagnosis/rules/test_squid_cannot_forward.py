"""squid-cannot-forward: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, PROXY_SAYS, called, cause, found, golden, proxy_error
from tests.diagnosis.peeking import NO_WAY, OPENED, closed_at_hello, line, with_log
from tests.diagnosis.rules.test_squid_dns_failure import page
from tests.exchanges.network import ESTABLISHED, Network, connect, response, say, tls

PAGE = page("ERR_CANNOT_FORWARD 0", "500 Internal Server Error")


def test_neither_name_nor_parent_proxy_is_blamed_alone() -> None:
    told = cause(golden("squid-dns-failure"))

    assert told.code == "squid-cannot-forward"
    assert "no address for the name, or no parent proxy" in " ".join(told.details)
    assert "cache_peer" in told.advice
    assert told.not_in_packets is not None


def test_a_squid_that_peeks_says_it_inside_the_tunnel_and_tls_is_not_to_blame() -> None:
    net = Network()
    call = net.to_api_proxy().up(CALL).ack(False)
    hello = tls().flights[0][1]
    say(net.to_squid(), connect(), ESTABLISHED, hello, PAGE).end(False).end(True)
    words = proxy_error("write EPROTO wrong version number")
    say(call.down(response("502 Bad Gateway", *PROXY_SAYS, body=words)).ack(True)).close()

    report = net.report()
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("squid-cannot-forward", 1, 1)
    assert "tls-failed-in-tunnel" not in found(report)
    assert "Squid denial" not in {other.what for other in told.ruled_out}


def test_a_name_that_does_not_resolve_by_squids_word_is_not_one() -> None:
    assert "squid-cannot-forward" not in found(called(CALL, page("ERR_DNS_FAIL 0")))


def test_a_host_that_refuses_is_reached_and_not_one() -> None:
    assert "squid-cannot-forward" not in found(golden("squid-connection-refused"))


def test_a_peeking_squids_log_tells_it_where_the_tunnel_just_ends() -> None:
    net, tunnel = closed_at_hello()

    told = cause(with_log(net, line(tunnel, OPENED), line(tunnel, NO_WAY)))

    assert (told.code, told.explains, told.of) == ("squid-cannot-forward", 1, 1)
