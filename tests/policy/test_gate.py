"""The built-in policy over captures made by hand: what a gate must not pass, and what it must."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Final

import pytest

from inspector.errors import ExitCode
from inspector.model.capture import CaptureFile, Interface
from inspector.model.report import Report
from inspector.options import Options
from inspector.policy.judge import Judgement, judge
from inspector.policy.model import Expect, Policy
from inspector.policy.page import page
from inspector.policy.reading import built_in
from inspector.policy.result import plain
from inspector.report.page.terminal import render
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    FINGERPRINT_KEY,
    KEY,
    PLACEHOLDER,
    SQUID,
    Network,
    connect,
    play,
    request,
    response,
    say,
    tls,
)
from tests.flows.build import Tcp

BROKEN = ExitCode.BROKEN
KEPT = ExitCode.DONE
NOT_PROVEN = ExitCode.NOT_PROVEN

TODAY: Final = date(2026, 8, 3)
#: The name in the recorded TLS.
HOST: Final = "api.lab.test:443"
GOOD: Final = request("POST /v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}")
ANSWER: Final = response("200 OK", "content-type: application/json", "request-id: req_1")


def gate(report: Report) -> Judgement:
    return judge(report, built_in("awf"), TODAY)


def told(report: Report) -> list[str]:
    """What breaks the built-in policy's expectations."""
    return [remark.found for remark in gate(report).broken]


def healthy() -> Network:
    """One call that went well, through a tunnel of the API proxy's."""
    net = Network()
    call = net.to_api_proxy()
    call.up(GOOD).ack(False)
    play(say(net.to_squid(), connect(HOST), ESTABLISHED), tls()).close()
    call.down(ANSWER).ack(True)
    call.close()
    return net


def test_a_healthy_run_is_kept() -> None:
    assert gate(healthy().report()).exit_code == KEPT


# -- failed calls --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("500 Internal Server Error", "call-failed"),
        ("502 Bad Gateway", "gateway-cannot-connect"),
        ("504 Gateway Timeout", "gateway-cannot-connect"),
    ],
)
def test_a_call_that_failed_is_not_passed_whatever_the_cause(status: str, code: str) -> None:
    net = healthy()
    answer = response(status, "Content-Type: application/json", body=b'{"error":"Proxy error"}')
    say(net.to_api_proxy(), GOOD, answer).close()
    judgement = gate(net.report())
    assert judgement.exit_code == BROKEN
    assert [finding.code for finding in judgement.findings] == [code]


# -- keys ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, "opaque-and-no-placeholder"])
def test_a_credential_in_a_connect_breaks_placeholders_only(key: str) -> None:
    net = healthy()
    tunnel = net.to_squid(AGENT)
    play(say(tunnel, connect(HOST, f"Proxy-Authorization: Bearer {key}"), ESTABLISHED), tls())
    assert "another credential in a CONNECT" in told(net.report())


def test_a_placeholder_in_a_connect_does_not() -> None:
    net = healthy()
    field = f"Proxy-Authorization: Bearer {PLACEHOLDER}"
    play(say(net.to_squid(AGENT), connect(HOST, field), ESTABLISHED), tls())
    assert told(net.report()) == []


def test_a_real_key_in_a_gateways_header_is_not_passed() -> None:
    net = healthy()
    call = request("POST / HTTP/1.1", f"x-api-key: {PLACEHOLDER}", f"x-litellm-api-key: {KEY}")
    say(net.to_api_proxy(), call, ANSWER).close()
    judgement = gate(net.report())
    assert [finding.code for finding in judgement.findings] == ["real-key-on-agent-hop"]
    assert told(net.report()) == ["another credential"]


# -- ways out ------------------------------------------------------------------------


def _tls(tcp: Tcp) -> Tcp:
    return play(tcp, tls())


def _http(tcp: Tcp) -> Tcp:
    return say(tcp, request("POST /collect HTTP/1.1"), response())


def _bytes(tcp: Tcp) -> Tcp:
    return say(tcp, b"\x00\x01binary", b"\x02")


def _nothing(tcp: Tcp) -> Tcp:
    return tcp


@pytest.mark.parametrize("server", ["203.0.113.5", "10.1.2.3", "172.31.0.30", "169.254.169.254"])
@pytest.mark.parametrize(
    ("port", "speak", "found"),
    [
        (443, _tls, "TLS around the proxies"),
        (80, _http, "plain HTTP around the proxies"),
        (4444, _bytes, "TCP around the proxies"),
        (22, _nothing, "TCP around the proxies"),
        (53, _tls, "TLS around the proxies"),
        (53, _http, "plain HTTP around the proxies"),
    ],
)
def test_the_agent_going_out_past_squid_is_not_passed(
    server: str, port: int, speak: Callable[[Tcp], Tcp], found: str
) -> None:
    net = healthy()
    speak(net.to(server, port)).close()
    judgement = gate(net.report())
    assert [finding.code for finding in judgement.findings] == ["agent-bypasses-squid"]
    assert [remark.found for remark in judgement.broken] == [found]


@pytest.mark.parametrize(
    ("server", "port", "client"),
    [
        ("172.30.0.60", 8080, AGENT),
        ("172.30.0.1", 443, AGENT),
        ("8.8.8.8", 53, AGENT),
        ("203.0.113.5", 443, SQUID),
        ("203.0.113.5", 443, "172.30.0.40"),
    ],
    ids=["a-host-of-the-bridge", "gateway", "dns", "squid-itself", "another-host"],
)
def test_neighbours_dns_and_other_hosts_ways_out_are_no_bypass(
    server: str, port: int, client: str
) -> None:
    net = healthy()
    _bytes(net.to(server, port, client)).close()
    assert gate(net.report()).exit_code == KEPT


def test_what_nobody_reads_at_the_api_proxy_s_port_is_not_kept() -> None:
    net = healthy()
    _bytes(net.to(API_PROXY, 10000)).close()
    judgement = gate(net.report())
    assert (judgement.exit_code, judgement.broken) == (NOT_PROVEN, ())


def test_a_second_agent_is_one_for_it_calls_the_api_proxy() -> None:
    net = healthy()
    say(net.to(API_PROXY, 10001, "172.30.0.21"), GOOD, ANSWER).close()
    _tls(net.to("203.0.113.5", 443, "172.30.0.21")).close()
    report = net.report()
    assert report.topology.agent == (AGENT, "172.30.0.21")
    assert [finding.code for finding in gate(report).findings] == ["agent-bypasses-squid"]
    assert told(report) == ["TLS around the proxies"]


@pytest.mark.parametrize("speak", [_tls, _http, _bytes])
def test_the_api_proxy_going_out_past_squid_is_not_passed(speak: Callable[[Tcp], Tcp]) -> None:
    net = healthy()
    speak(net.to("203.0.113.5", 443, API_PROXY)).close()
    codes = [finding.code for finding in gate(net.report()).findings]
    assert codes == ["api-proxy-bypasses-squid"]


@pytest.mark.parametrize("server", ["172.30.0.60", "8.8.8.8"])
def test_neighbours_and_dns_of_the_api_proxy_are_no_bypass(server: str) -> None:
    net = healthy()
    _bytes(net.to(server, 53, API_PROXY)).close()
    assert gate(net.report()).exit_code == KEPT


def test_a_way_out_that_nobody_took_is_a_note_and_breaks_nothing() -> None:
    net = healthy()
    before = len(net.wire.packets)
    tcp = net.to("203.0.113.5", 443)
    del net.wire.packets[before:]
    tcp.syn().reset(False)
    report = net.report()
    (finding,) = (item for item in report.findings if item.code == "agent-bypasses-squid")
    assert (finding.severity, finding.title) == ("note", "The agent tries to go out without Squid")
    assert gate(report).exit_code == KEPT


def test_a_plain_request_for_an_api_through_squid_is_not_passed() -> None:
    net = healthy()
    ask = request("POST http://api.anthropic.com/v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}")
    say(net.to_squid(AGENT), ask, response("301 Moved", "server: cloudflare")).close()
    judgement = gate(net.report())
    assert [finding.code for finding in judgement.findings] == ["api-proxy-bypassed"]
    assert [remark.found for remark in judgement.broken] == ["a plain request of the agent's own"]


@pytest.mark.parametrize("authority", ["160.79.104.10:443", "[2607:6bc0::10]:443"])
def test_a_connect_to_an_address_of_an_api_is_not_passed(authority: str) -> None:
    net = healthy()
    play(say(net.to_squid(AGENT), connect(authority), ESTABLISHED), tls()).close()
    assert told(net.report()) == ["a CONNECT of the agent's own"]


@pytest.mark.parametrize(
    ("provider", "sni", "code"),
    [
        ("anthropic", "api.anthropic.com", BROKEN),
        ("openai", "api.anthropic.com", KEPT),
        ("anthropic", "evil.example", KEPT),
        ("anthropic", None, NOT_PROVEN),
        ("any", None, BROKEN),
    ],
)
def test_a_way_past_squid_is_held_against_the_provider_that_it_leads_to(
    provider: str, sni: str | None, code: int
) -> None:
    net = healthy()
    _tls(net.to("203.0.113.5", 443)).close()
    report = net.report()
    (direct,) = report.direct_tls
    named = replace(direct, tls=replace(direct.tls, sni=sni))
    expect = Expect(provider=provider, direct_connect="never")
    judged = judge(replace(report, direct_tls=(named,)), Policy("p", None, (expect,)), TODAY)
    assert judged.exit_code == code


def test_without_a_call_to_the_api_proxy_the_plain_request_is_the_cause() -> None:
    net = Network()
    say(net.to_squid(AGENT), request("GET http://api.openai.com/v1/models HTTP/1.1"), response())
    cause = net.report().root_cause
    assert cause is not None
    assert cause.code == "api-proxy-bypassed"
    assert cause.sentence.startswith("The agent asks Squid for api.openai.com itself: 1 x (packet ")


# -- another network -----------------------------------------------------------------


def test_a_second_network_of_the_firewalls_is_not_passed_in_silence() -> None:
    net = healthy()
    call = request("POST /v1/messages HTTP/1.1", f"x-api-key: {KEY}")
    say(net.to("172.31.0.30", 10001, "172.31.0.20"), call, ANSWER).close()
    report = net.report()
    judgement = gate(report)
    assert judgement.exit_code == NOT_PROVEN
    text = " ".join(page(judgement, report).split())
    assert "1 connection to ports of the proxies on another network left out" in text
    assert "left out scope 1 connection of other networks (--scope all judges them)" in text
    assert "1 connection of other networks left out" in " ".join(render(report).split())
    everything = net.report(Options(scope="all", fingerprint_key=FINGERPRINT_KEY))
    assert gate(everything).exit_code == BROKEN


ETHERNET, COOKED, COOKED_2 = 1, 113, 276


@pytest.mark.parametrize(
    ("link_types", "code"),
    [
        ((ETHERNET,), NOT_PROVEN),
        ((COOKED,), KEPT),
        ((COOKED_2,), KEPT),
        ((ETHERNET, ETHERNET), KEPT),
    ],
    ids=["the-bridge", "any", "any-2", "two-interfaces"],
)
def test_connections_of_elsewhere_are_said_and_are_the_hosts_own_unless_on_the_bridge(
    link_types: tuple[int, ...], code: int
) -> None:
    net = healthy()
    say(net.to("10.1.0.4", 22, "198.51.100.9"), b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n").close()
    report = net.report()
    interfaces = tuple(Interface(None, link_type, None) for link_type in link_types)
    capture = CaptureFile("a", "pcapng", None, 1, 1, None, None, interfaces, 0, 0, None)
    report = replace(report, captures=(capture,))
    judgement = gate(report)
    assert judgement.exit_code == code
    assert "1 connection of other networks" in page(judgement, report)
    assert plain(judgement)["out_of_scope"] == 1


def test_a_run_on_one_network_says_nothing_of_others() -> None:
    report = healthy().report()
    assert page(gate(report), report).strip() == "policy awf: KEPT"
    assert "other networks" not in render(report)


# -- what hides a part of a connection -------------------------------------------------

LEAK: Final = request("POST /v1/messages HTTP/1.1", f"x-api-key: {KEY}")


def _behind_too_many_fields(net: Network) -> None:
    fields = [f"a{number}: b" for number in range(2100)]
    say(net.to_api_proxy(), request("POST / HTTP/1.1", *fields, f"x-api-key: {KEY}"), ANSWER)


def _in_a_second_copy(net: Network) -> None:
    decoy = LEAK.replace(KEY.encode(), PLACEHOLDER.encode().ljust(len(KEY), b" "))
    tcp = net.to_api_proxy()
    tcp.up(decoy).up(LEAK, offset=0).ack(False).down(ANSWER).ack(True)
    tcp.close()


def _heard_from_one_side(net: Network) -> None:
    before = len(net.wire.packets)
    say(net.to_api_proxy(), GOOD, ANSWER, GOOD, ANSWER).close()
    server = bytes(map(int, API_PROXY.split(".")))
    net.wire.packets[before:] = [
        packet for packet in net.wire.packets[before:] if packet.frame[26:30] != server
    ]


def _begun_before(net: Network) -> None:
    before = len(net.wire.packets)
    tcp = net.to_api_proxy()
    del net.wire.packets[before:]
    say(tcp, GOOD, ANSWER).close()


@pytest.mark.parametrize(
    "hide", [_behind_too_many_fields, _in_a_second_copy, _heard_from_one_side, _begun_before]
)
def test_what_hides_a_part_of_a_connection_is_not_passed(hide: Callable[[Network], None]) -> None:
    net = healthy()
    hide(net)
    report = net.report()
    assert gate(report).exit_code == NOT_PROVEN
    assert report.completeness.unread
    assert "refuted" not in {item.verdict for item in report.hypotheses}
