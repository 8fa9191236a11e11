"""tls-failed-in-tunnel: where it is found, and where something only resembles it."""

from __future__ import annotations

import ssl

import pytest

from inspector.diagnosis.rules.tls_failed_in_tunnel import _described
from inspector.model.conclusions import RootCause
from inspector.model.network import Certificate
from inspector.model.report import Report
from inspector.protocols.x509 import NAMES_LIMIT
from tests.diagnosis.calls import CALL, PROXY_SAYS, cause, found, golden, proxy_error
from tests.diagnosis.peeking import OPENED, TUNNELED, closed_at_hello, line, with_log
from tests.exchanges.network import ESTABLISHED, Network, connect, play, response, say
from tests.protocols.tls_memory import (
    Recording,
    authority,
    client_context,
    converse,
    server_context,
)

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def conversation(version: ssl.TLSVersion, *, requests: int = 0, wants: bool = False) -> Recording:
    server = server_context(version)
    if wants:
        server.verify_mode = ssl.CERT_OPTIONAL
        authority().configure_trust(server)
    return converse(client_context(version), server, requests=requests)


def failed(inside: Recording, words: str, *, by_client: bool = True) -> Report:
    """A call whose tunnel carries a conversation and ends; the API proxy's own 502 says why."""
    net = Network()
    call = net.to_api_proxy().up(CALL).ack(False)
    tunnel = play(say(net.to_squid(), connect(), ESTABLISHED), inside)
    tunnel.end(by_client).end(not by_client)
    answer = response("502 Bad Gateway", *PROXY_SAYS, body=proxy_error(words))
    call.down(answer).ack(True).close()
    return net.report()


def told_of(words: str, version: ssl.TLSVersion = V13) -> RootCause:
    return cause(failed(conversation(version), words))


def test_an_untrusted_certificate_fails_tls_inside_the_tunnel() -> None:
    assert "tls-failed-in-tunnel" in found(golden("tls-untrusted"))


def test_silence_behind_the_hello_is_no_matter_of_certificates() -> None:
    told = cause(golden("tls-silence"))
    assert "silence after the ClientHello" in told.sentence
    assert "never answered the ClientHello" in told.advice
    assert "NODE_EXTRA_CA_CERTS" not in told.advice


def test_a_500_that_came_through_tls_does_not() -> None:
    assert "tls-failed-in-tunnel" not in found(golden("upstream-500"))


def test_a_client_that_ends_the_handshake_of_tls_12_and_leaves_dislikes_the_certificate() -> None:
    told = cause(failed(conversation(V12), "something new"))

    assert (told.code, told.explains, told.of) == ("tls-failed-in-tunnel", 1, 1)
    assert "the issuer is not trusted" in told.sentence
    assert any("trustme" in detail for detail in told.details), "the issuer is named"
    assert any("api.lab.test" in detail for detail in told.details), "so are the names"
    assert "NODE_EXTRA_CA_CERTS" in told.advice
    assert "TLS failure" not in {other.what for other in told.ruled_out}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("api.a.test", "api.b.test"), "It is for api.a.test, api.b.test, valid"),
        (("api.a.test", "api.b.test", "c.test"), "It is for api.a.test, api.b.test and others,"),
        (("x" * 60 + ".test",), f"It is for {'x' * 37}..., valid"),
        ((), "It is for CN=api.a.test, valid"),
    ],
)
def test_the_names_of_a_certificate_stand_whole_or_with_the_mark_of_a_cut(
    names: tuple[str, ...], told: str
) -> None:
    shown = Certificate("CN=api.a.test", "CN=Lab", names, "2026-01-01T00:00:00Z", None)

    assert _described(shown)[1].startswith(told)


def test_one_that_sent_a_request_does_not() -> None:
    report = failed(conversation(V12, requests=1), "socket hang up")

    assert "tls-failed-in-tunnel" not in found(report)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("unable to verify the first certificate", "NODE_EXTRA_CA_CERTS"),
        ("self-signed certificate in certificate chain", "NODE_EXTRA_CA_CERTS"),
        ("unable to get local issuer certificate", "NODE_EXTRA_CA_CERTS"),
        ("certificate has expired", "clock"),
        ("Hostname/IP does not match certificate's altnames: Host: x.", "spelt right"),
        ("ssl3_read_bytes:tlsv13 alert certificate required:SSL alert number 116", "mutual TLS"),
        ("tlsv1 alert no application protocol", "HTTP/1.1"),
    ],
)
def test_the_api_proxys_own_words_tell_why_and_the_advice_follows(words: str, says: str) -> None:
    told = told_of(words)

    assert told.code == "tls-failed-in-tunnel"
    assert says in told.advice
    assert any(words[:40] in detail for detail in told.details), "they are quoted"
    assert "status page" not in told.advice


def test_bytes_that_are_no_http_are_not_tlss_fault() -> None:
    report = failed(conversation(V13, requests=1), "Parse Error: Expected HTTP/, RTSP/ or ICE/")

    told = cause(report)
    assert told.code == "upstream-server-error"
    assert "no HTTP/1.1" in told.sentence
    assert "HTTP/2" in told.advice


def test_a_bare_close_behind_the_hello_has_three_causes_without_a_log() -> None:
    net, tunnel = closed_at_hello()

    told = cause(net.report())

    assert told.code == "tls-failed-in-tunnel"
    assert "not known which" in " ".join(told.details)
    assert "Squid denial" not in {other.what for other in told.ruled_out}
    assert "--squid-log" in told.advice
    assert str(tunnel.ends[True][1]) in told.advice


def test_a_log_that_says_tunnel_leaves_the_apis_host() -> None:
    net, tunnel = closed_at_hello()

    told = cause(with_log(net, line(tunnel, OPENED), line(tunnel, TUNNELED)))

    assert told.code == "tls-failed-in-tunnel"
    assert "the API's host closed it" in " ".join(told.details)


def test_a_certificate_that_is_wanted_in_the_clear_is_told() -> None:
    inside = conversation(V12, wants=True)
    inside.flights[:] = inside.flights[:2]  # the server leaves behind its own flight

    told = cause(failed(inside, "socket hang up", by_client=False))

    assert told.code == "tls-failed-in-tunnel"
    assert "client certificate" in told.sentence


@pytest.mark.parametrize(
    ("names", "says"),
    [(2, "the certificate is for other names"), (NAMES_LIMIT, "as one that does not trust it")],
)
def test_a_name_that_was_not_read_may_be_the_hosts(names: int, says: str) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = server.maximum_version = V12
    others = [f"other-{number}.lab.test" for number in range(names)]
    authority().issue_cert(*others).configure_cert(server)
    client = client_context(V12)
    client.check_hostname = False

    told = cause(failed(converse(client, server, requests=0), "something new"))

    assert told.code == "tls-failed-in-tunnel"
    assert says in told.sentence
