"""Every code of the catalogue, each once where it is and once where only something like it is.

Most cases are golden captures, for what they show was made by real programs; what these do
not show is made by hand.
"""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from inspector import inspect
from inspector.diagnosis.catalogue import CODES
from inspector.model.conclusions import Finding, RootCause
from inspector.model.report import Report
from tests.diagnosis.matrix import GOLDEN
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    PLACEHOLDER,
    SQUID,
    UPSTREAM,
    Network,
    connect,
    play,
    request,
    response,
    say,
    tls,
)
from tests.exchanges.network import KEY as REAL_KEY
from tests.flows.build import MILLISECOND

#: The code, where it is, and where it is not although something there resembles it.
TWINS: Final[tuple[tuple[str, str, str], ...]] = (
    ("api-proxy-bypassed", "agent-bypasses-proxy", "denied-side-traffic"),
    ("wrong-path", "h1-wrong-path", "upstream-413"),
    ("proxy-died", "issue-1527", "upstream-json-cut"),
    ("proxy-not-listening", "proxy-not-listening", "proxy-gone"),
    ("proxy-not-configured", "proxy-not-configured", "proxy-guard-403"),
    ("proxy-refused", "proxy-guard-429", "upstream-429"),
    ("squid-down", "squid-down", "squid-denied"),
    ("squid-denied", "squid-denied", "upstream-403"),
    ("squid-dns-failure", "squid-dns-failure", "squid-connection-refused"),
    ("squid-cannot-connect", "squid-connection-refused", "squid-dns-failure"),
    ("tls-failed-in-tunnel", "tls-untrusted", "upstream-500"),
    ("wrong-auth-scheme", "copilot-wrong-scheme", "h4-401-inside-tunnel"),
    ("upstream-rejected-credential", "h4-401-inside-tunnel", "copilot-wrong-scheme"),
    ("upstream-forbidden", "upstream-403", "proxy-guard-403"),
    ("upstream-bad-request", "upstream-413", "h1-wrong-path"),
    ("upstream-rate-limited", "upstream-429", "proxy-guard-429"),
    ("upstream-overloaded", "upstream-529", "upstream-500"),
    ("upstream-server-error", "upstream-500", "upstream-529"),
    ("stream-error-event", "h3-upstream-error-event", "upstream-529"),
    ("stream-malformed", "h3-proxy-mangles", "h3-rechunked-healthy"),
    ("stream-stalled", "upstream-stream-stalls", "client-leaves-mid-stream"),
    ("stream-cut", "h3-upstream-cut", "client-leaves-after-done"),
    ("response-cut", "upstream-json-cut", "h3-upstream-cut"),
    ("client-aborted", "client-leaves-mid-stream", "client-leaves-after-done"),
    ("real-key-on-agent-hop", "agent-holds-real-key", "healthy-json"),
    ("squid-page-relayed", "squid-denied", "proxy-guard-403"),
    ("retry-storm", "retry-storm", "keep-alive-50"),
    ("anthropic-beta-retired", "retired-beta-refused", "upstream-413"),
    ("anthropic-version-unusual", "h1-newer-version", "h1-wrong-path"),
    ("credentials-differ", "h2-two-placeholders", "h2-both-headers-equal"),
    ("call-through-squid", "through-squid-absolute", "denied-side-traffic"),
    ("plain-http-in-connect", "plain-http-in-connect", "agent-bypasses-proxy"),
    ("stream-buffered", "h3-proxy-buffers", "healthy-sse"),
    ("origin-form-at-squid", "origin-form-at-squid", "through-squid-absolute"),
    ("side-traffic-denied", "denied-side-traffic", "squid-denied"),
    ("no-api-call", "start-up-only", "healthy-json"),
    ("client-left-after-end", "client-leaves-after-done", "client-leaves-mid-stream"),
    ("capture-incomplete", "lost-packets", "healthy-json"),
    ("log-tunnel-empty", "tls-silence", "tls-alert"),
)

#: Those which have a test of their own below.
BY_HAND: Final = {
    "credential-malformed",
    "call-unanswered",
    "agent-bypasses-squid",
    "call-failed",
    "api-proxy-unreachable",
    "no-auth-header",
    "sni-mismatch",
    "tunnel-without-data",
    "api-proxy-bypasses-squid",
    "log-status-differs",
    "log-without-packets",
}

KEY: Final = f"x-api-key: {PLACEHOLDER}"
CALL: Final = request("POST /v1/messages HTTP/1.1", KEY)
BARE: Final = request("POST /v1/messages HTTP/1.1", body=b"{}")
#: Header names as the API writes them, and as the API proxy does.
API_SAYS: Final = ("content-type: application/json", "request-id: req_1")
PROXY_SAYS: Final = ("Content-Type: application/json",)
DENIED: Final = response("403 Forbidden", "X-Squid-Error: ERR_ACCESS_DENIED 0")


def found(report: Report) -> dict[str, Finding]:
    return {finding.code: finding for finding in report.findings}


def cause(report: Report) -> RootCause:
    assert report.root_cause is not None
    return report.root_cause


def called(call: bytes, answer: bytes | None) -> Report:
    """The report of one call of the agent to the API proxy, which lives on."""
    net = Network()
    tcp = net.to_api_proxy()
    if answer is None:
        tcp.up(call).ack(False).end(False).end(True)
    else:
        say(tcp, call, answer).close()
    say(net.to_api_proxy(), CALL, response("200 OK", *API_SAYS)).close()
    return net.report()


def error(message: str) -> bytes:
    return b'{"type":"error","error":{"type":"x","message":"' + message.encode() + b'"}}'


def test_every_code_has_a_case() -> None:
    assert {code for code, _, _ in TWINS} | BY_HAND == set(CODES)


@pytest.mark.parametrize(("code", "here", "elsewhere"), TWINS, ids=[code for code, *_ in TWINS])
def test_a_code_is_found_where_it_is_and_not_where_something_resembles_it(
    code: str, here: str, elsewhere: str
) -> None:
    assert code in found(inspect(GOLDEN / here))
    assert code not in found(inspect(GOLDEN / elsewhere))


# -- what the agent sends ----------------------------------------------------------


TOKEN: Final = "ghp_LABONLY" + 29 * "t"
JWT: Final = "eyJhbGciOiJub25lIn0.eyJsYWIiOjF9.c2lnbmF0dXJl"
GATEWAY: Final = "172.30.0.60"  # an MCP gateway on the bridge


def sent(server: str, port: int, line: str, *fields: str, client: str = AGENT) -> Report:
    net = Network()
    say(net.to(server, port, client), request(line, *fields), response()).close()
    return net.report()


def basic(pair: str) -> str:
    return f"Basic {b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize(
    "field",
    [
        f"x-api-key: {REAL_KEY}",
        f"Authorization: Bearer {REAL_KEY}",
        f"Authorization: token {TOKEN}",
        f"x-litellm-api-key: {REAL_KEY}",
        f"x-some-vendors-token: {TOKEN}",
        f"Proxy-Authorization: {basic(f'x-access-token:{TOKEN}')}",
        f"Cookie: a=b; key={REAL_KEY}",
        f"X-Note: see {REAL_KEY}",
        f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{REAL_KEY}",
    ],
)
@pytest.mark.parametrize(("server", "port", "line", "title"), [
    (API_PROXY, 10001, "POST /v1/messages HTTP/1.1", "The agent holds a key"),
    (SQUID, 3128, f"POST http://{API_PROXY}:10001/v1/messages HTTP/1.1", "The agent holds a key"),
    (GATEWAY, 8080, "POST /mcp/github HTTP/1.1", "sent to a host of the bridge"),
    (SQUID, 3128, f"POST http://{GATEWAY}:8080/mcp HTTP/1.1", "sent to a host of the bridge"),
    (SQUID, 3128, "POST http://evil.example/collect HTTP/1.1", "sent out of the bridge"),
    ("203.0.113.5", 80, "POST /collect HTTP/1.1", "sent out of the bridge"),
    (SQUID, 3128, "CONNECT evil.example:443 HTTP/1.1", "sent to Squid with a CONNECT"),
])  # fmt: skip
def test_a_keys_prefix_is_real_wherever_on_the_bridge_it_is_sent(
    server: str, port: int, line: str, title: str, field: str
) -> None:
    finding = found(sent(server, port, line, field))["real-key-on-agent-hop"]

    assert (finding.severity, finding.count) == ("error", 1)
    assert title in finding.title


def test_a_key_in_a_target_is_one_as_well() -> None:
    report = sent(GATEWAY, 8080, f"POST /mcp/{REAL_KEY}/x HTTP/1.1")
    assert "real-key-on-agent-hop" in found(report)


def test_keys_in_several_places_have_the_general_title() -> None:
    net = Network()
    for server, port in ((API_PROXY, 10001), (GATEWAY, 8080)):
        say(net.to(server, port), request("POST / HTTP/1.1", f"x-api-key: {REAL_KEY}"), response())

    finding = found(net.report())["real-key-on-agent-hop"]

    assert (finding.count, finding.title) == (2, CODES["real-key-on-agent-hop"].title)


@pytest.mark.parametrize("value", [JWT, 32 * "a", "0123456789abcdef" * 2])
def test_a_form_without_a_prefix_is_real_to_an_api_or_outward_and_a_services_own_on_the_bridge(
    value: str,
) -> None:
    def is_found(server: str, port: int, line: str) -> bool:
        report = sent(server, port, line, f"Authorization: Bearer {value}")
        return "real-key-on-agent-hop" in found(report)

    assert is_found(API_PROXY, 10001, "POST /v1/messages HTTP/1.1")
    assert is_found(SQUID, 3128, "GET http://evil.example/ HTTP/1.1")
    assert is_found("203.0.113.5", 80, "GET / HTTP/1.1")
    assert not is_found(GATEWAY, 8080, "POST /mcp/github HTTP/1.1")


@pytest.mark.parametrize("field", [
    KEY,
    "Authorization: Bearer opaque-session-of-the-gateway",
    f"Authorization: {basic('user:password')}",
    "Cookie: session=0123456789abcdef0123456789abcdef",
    f"x-request-id: {REAL_KEY[:6]}",
    f"x-note: {PLACEHOLDER}",
])  # fmt: skip
@pytest.mark.parametrize("line", ["POST http://a.test/ HTTP/1.1", "CONNECT a.test:443 HTTP/1.1"])
def test_placeholders_passwords_cookies_and_opaque_values_are_not_keys(
    line: str, field: str
) -> None:
    assert "real-key-on-agent-hop" not in found(sent(SQUID, 3128, line, field))


@pytest.mark.parametrize("value", ["'sk-ant-placeholder'", "Bearer Bearer placeholder", ""])
def test_a_credential_that_the_api_proxys_parser_refuses_is_malformed(value: str) -> None:
    call = request("POST /v1/messages HTTP/1.1", f"Authorization: {value}")
    refusal = response("400 Bad Request", *PROXY_SAYS)
    refused, taken = called(call, refusal), called(call, response())

    assert cause(refused).code == "credential-malformed"
    assert found(taken)["credential-malformed"].severity == "note"
    assert "credential-malformed" not in found(called(CALL, refusal))


@pytest.mark.parametrize(
    ("answer", "severity"),
    [
        (response("200 OK", *API_SAYS), "note"),
        (response("401 Unauthorized", *PROXY_SAYS), "error"),
        (response("403 Forbidden", *PROXY_SAYS), "note"),
        (response("401 Unauthorized", *API_SAYS, body=error("x-api-key is required")), "error"),
        (response("403 Forbidden", *API_SAYS, body=error("unregistered callers")), "error"),
        (response("401 Unauthorized", *API_SAYS, body=error("invalid x-api-key")), "note"),
        (response("500 Internal Server Error", *API_SAYS), "note"),
    ],
    ids=["200", "401-proxy", "403-guard", "401-api", "403-api", "401-about-a-key", "500"],
)
def test_no_credential_is_an_error_only_where_the_answer_shows_that_one_lacked(
    answer: bytes, severity: str
) -> None:
    assert found(called(BARE, answer))["no-auth-header"].severity == severity
    assert "no-auth-header" not in found(called(CALL, answer))


def test_no_credential_is_claimed_of_a_head_that_was_not_read_to_its_end() -> None:
    """The key stands beyond the limit of fields, or in a line that the answer came before."""
    many = request("POST /v1/messages HTTP/1.1", *("X-Pad: 1" for _ in range(2100)), "x-api-key: k")
    refused = response("401 Unauthorized", *PROXY_SAYS)
    net = Network()
    tcp = net.to_api_proxy()
    for start in range(0, len(many), 1400):
        tcp.up(many[start : start + 1400])
    tcp.ack(False).down(refused).ack(True).close()

    told = net.report()

    assert told.exchanges[0].request is not None
    assert not told.exchanges[0].request.complete
    assert "no-auth-header" not in found(told)
    assert "no-auth-header" not in found(called(CALL[: CALL.index(b"x-api-key") + 12], refused))


def test_one_error_among_healthy_calls_is_what_is_shown() -> None:
    net = Network()
    for answer in (response(), response("401 Unauthorized", *PROXY_SAYS), response()):
        say(net.to_api_proxy(), BARE, answer).close()

    finding = found(net.report())["no-auth-header"]

    assert (finding.severity, finding.count) == ("error", 3)
    assert [item.exchange for item in finding.evidence] == ["e2"]


# -- calls that Squid does not let through ------------------------------------------


def test_a_denied_connect_to_the_api_proxy_is_a_failed_call_and_the_port_is_named() -> None:
    net = Network()
    for _ in range(2):
        say(net.to_squid(AGENT), connect(f"{API_PROXY}:10001"), DENIED).close()

    report = net.report()
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("squid-denied", 2, 2)
    assert f"{API_PROXY}:10001: 2 x 403" in told.sentence
    assert [item.tunnel for item in told.evidence] == ["t1", "t2"]
    assert set(found(report)) == {"squid-denied"}
    assert {item.verdict for item in report.hypotheses} == {"refuted"}


def test_denied_connects_and_denied_calls_are_counted_together() -> None:
    net = Network()
    say(net.to_squid(AGENT), connect(f"{API_PROXY}:10001"), DENIED).close()
    say(net.to_api_proxy(), CALL, DENIED).close()

    told = cause(net.report())

    assert (told.code, told.explains, told.of) == ("squid-denied", 2, 2)


@pytest.mark.parametrize(
    ("authority", "answer"),
    [("telemetry.test:443", DENIED), (f"{API_PROXY}:10001", response("503 Unavailable"))],
    ids=["another-host", "not-denied"],
)
def test_any_other_connect_of_the_agent_is_no_call(authority: str, answer: bytes) -> None:
    net = Network()
    say(net.to_squid(AGENT), connect(authority), answer).close()

    report = net.report()

    assert report.root_cause is None
    assert set(found(report)) == {"side-traffic-denied", "no-api-call"}


@pytest.mark.parametrize(("answer", "told"), [(DENIED, True), (response(), False)])
def test_a_plain_request_that_squid_denies_is_side_traffic(answer: bytes, *, told: bool) -> None:
    net = Network()
    say(net.to_squid(AGENT), request("GET http://telemetry.test/ HTTP/1.1"), answer).close()

    assert ("side-traffic-denied" in found(net.report())) is told


# -- the API proxy's silent second try ----------------------------------------------


def retried(beta: str, without: str) -> Report:
    """A call with a beta header that was sent twice, the second time as long as without it."""
    net = Network()
    with_beta = request("POST /v1/messages HTTP/1.1", KEY, *([beta] if beta else []))
    second = request("POST /v1/messages HTTP/1.1", KEY, *([without] if without else []))
    tcp = net.to_api_proxy()
    tcp.step = 0  # the answer follows its tunnel's end at once, as on a bridge
    tcp.up(with_beta).ack(False)
    for sealed in (with_beta, second):
        tunnel = net.to_squid()
        tunnel.step = MILLISECOND
        play(say(tunnel, connect(), ESTABLISHED), tls())
        # One more record of application data, as long as what it seals.
        record = b"\x17\x03\x03" + len(sealed).to_bytes(2, "big") + b"s" * len(sealed)
        say(tunnel, record, b"\x17\x03\x03\x00\x20" + b"s" * 32).close()
    tcp.down(response("200 OK", *API_SAYS)).ack(True)
    tcp.close()
    return net.report()


@pytest.mark.parametrize(
    ("beta", "without"),
    [
        ("anthropic-beta: old-2024-01-01", ""),
        ("anthropic-beta: old-2024-01-01,new-2026-01", "anthropic-beta: new-2026-01"),
        ("anthropic-beta: new-2026-01, old-2024-01-01", "anthropic-beta: new-2026-01"),
    ],
    ids=["the-header", "the-first-value", "the-last-value"],
)
def test_a_second_try_that_is_shorter_by_a_beta_shows_that_it_is_retired(
    beta: str, without: str
) -> None:
    report = retried(beta, without)

    assert report.chains[0].attempts == ("t1",)
    assert found(report)["anthropic-beta-retired"].severity == "note"
    assert report.root_cause is None


@pytest.mark.parametrize(
    ("beta", "without"),
    [
        ("anthropic-beta: new-2026-01", "anthropic-beta: new-2026-01"),
        ("anthropic-beta: new-2026-01", "x: shorter by something else"),
        ("", ""),
    ],
    ids=["as-long", "of-another-length", "no-beta"],
)
def test_any_other_second_try_shows_nothing_about_a_beta(beta: str, without: str) -> None:
    report = retried(beta, without)

    assert report.chains[0].attempts == ("t1",)
    assert "anthropic-beta-retired" not in found(report)


def test_the_lab_shows_a_silent_second_try() -> None:
    assert "anthropic-beta-retired" in found(inspect(GOLDEN / "retired-beta-retried"))


# -- connections ---------------------------------------------------------------------


def test_a_call_without_an_answer_is_unanswered_where_the_api_proxy_lives_on() -> None:
    assert "call-unanswered" in found(called(CALL, None))
    assert "call-unanswered" not in found(called(CALL, response("500 Error", *PROXY_SAYS)))


PROXY_ERROR: Final = b'{"error":"Proxy error","message":"getaddrinfo ENOTFOUND squid-proxy"}'


@pytest.mark.parametrize(
    "answer",
    [
        response("500 Internal Server Error", *PROXY_SAYS, body=PROXY_ERROR),
        response("502 Bad Gateway", *PROXY_SAYS, body=PROXY_ERROR),
        response("502 Bad Gateway", "Content-Type: text/html", body=b"<h1>Bad Gateway</h1>"),
        response("503 Service Unavailable", *PROXY_SAYS, body=b'{"error":'),
        response("504 Gateway Timeout", *PROXY_SAYS, body=b'{"error":"timeout"}'),
        response("502 Bad Gateway"),
    ],
    ids=["500", "502", "502-html", "503-broken-json", "504", "502-bare"],
)
def test_a_failed_call_that_no_cause_explains_is_an_error_of_its_own(answer: bytes) -> None:
    net = Network()
    for _ in range(3):
        say(net.to_api_proxy(), CALL, answer).close()
    say(net.to_api_proxy(), CALL, response("200 OK", *API_SAYS)).close()

    report = net.report()
    finding = found(report)["call-failed"]

    assert (finding.severity, finding.count) == ("error", 3)
    assert [item.exchange for item in finding.evidence] == ["e1", "e2", "e3"]
    assert report.root_cause is None


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (CALL, response("200 OK", *API_SAYS)),
        (CALL, response("500 Internal Server Error", *API_SAYS)),
        (CALL, None),
        (CALL[:-2], response("200 OK", *API_SAYS)),
    ],
    ids=["answered", "explained", "unanswered", "not-wholly-asked"],
)
def test_a_call_that_is_explained_or_well_is_no_failure_without_a_cause(
    call: bytes, answer: bytes | None
) -> None:
    assert "call-failed" not in found(called(call, answer))


def test_a_call_that_ends_outside_the_capture_did_not_fail() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).ack(False)
    net.to_api_proxy().up(CALL).ack(False).down(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")

    assert set(found(net.report())) == {"capture-incomplete"}


def test_nobody_at_the_address_from_the_start_is_unreachable() -> None:
    def attempted(then: Callable[[Network], object]) -> set[str]:
        net = Network()
        tcp = net.to_api_proxy()
        net.wire.packets.clear()
        tcp.syn().reset(False)
        then(net)
        return set(found(net.report()))

    later = attempted(lambda net: say(net.to_api_proxy(), CALL, response()).close())

    assert "api-proxy-unreachable" in attempted(lambda net: None)
    assert "api-proxy-unreachable" not in later


@pytest.mark.parametrize(
    ("authority", "unlike"), [("api.anthropic.com:443", True), ("API.lab.test:443", False)]
)
def test_the_name_in_tls_is_held_against_the_connect(authority: str, *, unlike: bool) -> None:
    net = Network()
    play(say(net.to_squid(), connect(authority), ESTABLISHED), tls()).close()

    assert ("sni-mismatch" in found(net.report())) is unlike


def test_a_tunnel_in_which_nothing_went_is_told() -> None:
    empty, used = Network(), Network()
    say(empty.to_squid(), connect(), ESTABLISHED).close()
    play(say(used.to_squid(), connect(), ESTABLISHED), tls()).close()

    assert "tunnel-without-data" in found(empty.report())
    assert "tunnel-without-data" not in found(used.report())


@pytest.mark.parametrize(("client", "its"), [(API_PROXY, True), (AGENT, False)])
def test_tls_of_the_api_proxy_past_squid_is_told(client: str, *, its: bool) -> None:
    net = Network()
    play(net.to(UPSTREAM, 443, client), tls()).close()

    assert ("api-proxy-bypasses-squid" in found(net.report())) is its


# -- logs beside the packets -----------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("log-status-differs", lambda log: log.replace("CONNECT 200", "CONNECT 503", 1)),
        ("log-without-packets", lambda log: log + log.splitlines()[-1].replace(":5", ":1") + "\n"),
    ],
    ids=["log-status-differs", "log-without-packets"],
)
def test_a_log_that_tells_otherwise_is_a_finding(
    code: str, change: Callable[[str], str], tmp_path: Path
) -> None:
    folder = tmp_path / "healthy-json"
    shutil.copytree(GOLDEN / "healthy-json", folder)
    assert code not in found(inspect(folder))

    log = folder / "access.log"
    log.write_text(change(log.read_text()))

    assert code in found(inspect(folder))


@pytest.mark.parametrize("host", ["203.0.113.7", "[2001:db8::7]"])
def test_a_name_in_tls_does_not_differ_from_an_address_in_connect(host: str) -> None:
    """RFC 6066 3: an address never is a server name."""
    net = Network()
    play(say(net.to_squid(), connect(f"{host}:443"), ESTABLISHED), tls()).close()

    assert "sni-mismatch" not in found(net.report())
