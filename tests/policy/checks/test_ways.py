from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Literal

import pytest

from inspector.model.network import Process
from inspector.model.report import Report
from inspector.policy.model import TlsRules, Tunnels
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    GATEWAY,
    PLACEHOLDER,
    Network,
    connect,
    play,
    request,
    response,
    say,
    tls,
)
from tests.policy.checks.holding import BROKEN, KEPT, NOT_PROVEN, found, held
from tests.protocols.tls_memory import Recording, client_context, converse, server_context

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

#: The name in the recorded TLS.
NAME = "api.lab.test"
HOST = f"{NAME}:443"


def tunnel(net: Network, client: str = AGENT, authority: str = HOST) -> Network:
    play(say(net.to_squid(client), connect(authority), ESTABLISHED), tls()).close()
    return net


def absolute(net: Network, host: str = "lab.test") -> Network:
    say(net.to_squid(AGENT), request(f"GET http://{host}/ HTTP/1.1"), response()).close()
    return net


def past(net: Network, server: str = "203.0.113.5", port: int = 443) -> Network:
    play(net.to(server, port), tls()).close()
    return net


def test_ways_out_lead_to_listed_hosts_alone() -> None:
    assert held(tunnel(Network()), hosts=(HOST,)).exit_code == KEPT
    assert found(tunnel(Network()), hosts=("lab.test:443",)) == [
        f"a CONNECT of the agent's own to {HOST}"
    ]


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("*.lab.test:443", KEPT),
        ("*.LAB.test:443", KEPT),
        ("api.lab.test:*", KEPT),
        ("*:443", KEPT),
        ("*.lab.test:80", BROKEN),
        ("*.api.lab.test:443", BROKEN),
        ("lab.test:443", BROKEN),
    ],
)
def test_a_pattern_is_of_a_name_and_a_port(pattern: str, code: int) -> None:
    assert held(tunnel(Network()), hosts=(pattern,)).exit_code == code


def test_every_kind_of_way_out_counts() -> None:
    net = absolute(tunnel(Network(), authority="other.lab.test:443"))
    net.to("203.0.113.9", 4444).up(b"binary").close()
    past(net)
    kinds = found(net, hosts=("nothing.lab.test:443",))
    assert kinds == [
        "a CONNECT of the agent's own to other.lab.test:443",
        "a plain request of the agent's own to lab.test:80",
        "TCP around the proxies to 203.0.113.9:4444",
        f"TLS around the proxies to {HOST}",
    ]


@pytest.mark.parametrize(
    ("host", "listed"),
    [("other.lab.test", True), ("Other.lab.test:80", True), ("[fd00::5]", False), ("", False)],
)
def test_plain_http_past_squid_leads_where_its_host_says_and_to_its_address(
    host: str, listed: bool
) -> None:
    net = Network()
    asked = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    say(net.to("203.0.113.5", 80), asked, response()).close()
    rules = ("203.0.113.5:80", "other.lab.test:80")
    code = KEPT if listed or not host else NOT_PROVEN
    assert held(net, hosts=rules).exit_code == code
    assert held(net, hosts=("[fd00::5]:80",), forbid=True).exit_code == (
        BROKEN if host == "[fd00::5]" else KEPT if listed else NOT_PROVEN
    )


def test_openers_of_tunnels_are_those_of_ways_out() -> None:
    """The bridge itself makes no call, and is no agent whatever it asks Squid for."""
    net = tunnel(Network(), client=GATEWAY, authority="other.lab.test:443")
    asked = Tunnels(authorities=(HOST,))
    assert found(net, opened_by="agent", tunnels=asked) == []
    assert found(net, tunnels=asked) == ["a CONNECT to other.lab.test:443"]


def test_the_name_in_tls_does_not_excuse_the_one_that_was_asked_for() -> None:
    net = tunnel(Network(), authority="203.0.113.5:443")
    assert held(net, hosts=(HOST,)).exit_code == BROKEN


def test_past_squid_the_name_is_the_client_s_word_alone() -> None:
    assert held(past(Network()), hosts=(HOST,)).exit_code == NOT_PROVEN
    assert held(past(Network()), hosts=(HOST, "203.0.113.5:443")).exit_code == KEPT


def test_some_hosts_are_forbidden() -> None:
    net = tunnel(Network())
    assert found(net, hosts=("*.lab.test:443",), forbid=True) == [
        f"a CONNECT of the agent's own to {HOST}"
    ]
    assert held(net, hosts=("pastebin.com:443",), forbid=True).exit_code == KEPT


def test_an_address_without_a_name_may_be_a_forbidden_host() -> None:
    net = Network()
    net.to("203.0.113.9", 443).up(b"binary").close()
    assert held(net, hosts=("pastebin.com:443",), forbid=True).exit_code == NOT_PROVEN


def test_what_squid_refused_was_not_opened() -> None:
    net = Network()
    denied = response("403 Forbidden", "X-Squid-Error: ERR_ACCESS_DENIED 0")
    say(net.to_squid(AGENT), connect("pastebin.com:443"), denied).close()
    assert held(net, hosts=("pastebin.com:443",), forbid=True).exit_code == KEPT


def test_it_may_be_asked_of_one_opener_alone() -> None:
    net = tunnel(tunnel(Network(), API_PROXY), AGENT, "other.lab.test:443")
    assert found(net, opened_by="api-proxy", hosts=(HOST,)) == []
    assert found(net, opened_by="agent", hosts=(HOST,)) == [
        "a CONNECT of the agent's own to other.lab.test:443"
    ]
    assert len(found(net, hosts=("nothing.lab.test:443",))) == 2


def test_a_forbidden_provider_may_not_be_reached_either() -> None:
    net = tunnel(Network(), authority="api.openai.com:443")
    assert found(net, provider="openai", forbid=True) == [
        "a CONNECT of the agent's own to api.openai.com:443"
    ]
    assert held(net, provider="copilot", forbid=True).exit_code == KEPT


def test_every_way_out_holds_a_complete_handshake() -> None:
    assert held(tunnel(Network()), tls=TlsRules(complete=True)).exit_code == KEPT
    assert found(absolute(Network()), tls=TlsRules(complete=True)) == [
        "a plain request of the agent's own, without TLS"
    ]


def inside(net: Network, conversation: Recording, *, whole: bool = True) -> Network:
    """A tunnel of the agent's, closed, with this conversation in it or its first flight alone."""
    flights = conversation.flights if whole else conversation.flights[:1]
    opened = say(net.to_squid(AGENT), connect(HOST), ESTABLISHED)
    play(opened, replace(conversation, flights=flights)).close()
    return net


def test_a_handshake_that_failed_is_not_complete() -> None:
    distrusted = converse(client_context(V13, trusting=False), server_context(V13))
    assert found(inside(Network(), distrusted), tls=TlsRules(complete=True)) == [
        "a CONNECT of the agent's own, whose handshake failed"
    ]


def test_a_handshake_that_stopped_half_way_is_not_complete() -> None:
    net = Network()
    opened = say(net.to_squid(AGENT), connect(HOST), ESTABLISHED)
    play(opened, replace(tls(), flights=tls().flights[:1]))
    assert found(net, tls=TlsRules(complete=True)) == [
        "a CONNECT of the agent's own, whose handshake was not completed"
    ]


@pytest.mark.parametrize(
    ("version", "least", "said"),
    [
        (V12, "1.2", []),
        (V12, "1.3", ["TLS 1.2"]),
        (V13, "1.2", []),
        (V13, "1.3", []),
    ],
)
def test_the_version_of_tls_is_at_least_this(
    version: ssl.TLSVersion, least: Literal["1.2", "1.3"], said: list[str]
) -> None:
    net = inside(Network(), tls(0, version))
    assert found(net, tls=TlsRules(min_version=least)) == said
    assert held(net, tls=TlsRules(min_version=least)).exit_code == (BROKEN if said else KEPT)


def test_a_version_that_no_policy_knows_is_older() -> None:
    report = inside(Network(), tls()).report()
    (one,) = report.tunnels
    assert one.tls is not None
    old = replace(report, tunnels=(replace(one, tls=replace(one.tls, version="SSL 3.0")),))
    assert found(old, tls=TlsRules(min_version="1.0")) == ["SSL 3.0"]


def test_without_a_server_hello_the_version_is_not_known() -> None:
    net = inside(Network(), tls(), whole=False)
    judgement = held(net, tls=TlsRules(min_version="1.2"))
    assert judgement.exit_code == NOT_PROVEN
    assert judgement.doubts[0].found == "no ServerHello was seen"


def test_the_name_in_tls_is_the_host_that_was_asked_for() -> None:
    assert held(tunnel(Network()), tls=TlsRules(sni="authority")).exit_code == KEPT
    net = tunnel(Network(), authority="other.lab.test:443")
    assert found(net, tls=TlsRules(sni="authority")) == [f"{NAME} in a tunnel to other.lab.test"]


def test_tls_without_a_name_is_not_for_the_host_that_was_asked_for() -> None:
    nameless = client_context(V13)
    nameless.check_hostname = False
    conversation = converse(nameless, server_context(V13), name=None)
    net = inside(Network(), conversation)
    assert found(net, tls=TlsRules(sni="authority")) == ["TLS without a name"]
    assert found(inside(Network(), tls()), tls=TlsRules(sni="authority")) == []


def test_a_name_that_the_capture_may_lack_is_not_said_to_be_missing() -> None:
    report = inside(Network(), tls()).report()
    (one,) = report.tunnels
    assert one.tls is not None
    nameless = replace(one, tls=replace(one.tls, sni=None, handshake="not seen"))
    lacking = replace(report.completeness, verdict="incomplete", because=("it began before",))
    judgement = held(
        replace(report, tunnels=(nameless,), completeness=lacking), tls=TlsRules(sni="authority")
    )
    assert (judgement.exit_code, judgement.broken) == (NOT_PROVEN, ())
    assert "no ClientHello with a name was seen" in {doubt.found for doubt in judgement.doubts}


def held_by(process: Process | None) -> Report:
    """A tunnel of the agent's and a call, both by this process."""
    net = tunnel(Network())
    say(net.to_api_proxy(), request(), response("404 Not Found")).close()
    report = net.report()
    return replace(
        report,
        connections=tuple(replace(each, client_process=process) for each in report.connections),
    )


NODE = Process(7, "node", exe="/usr/local/bin/node", container="awf-agent")


@pytest.mark.parametrize(
    ("asked", "is_it"),
    [
        ({"process": "node"}, True),
        ({"process": "no*"}, True),
        ({"process": "/usr/local/bin/*"}, True),
        ({"container": "awf-*"}, True),
        ({"process": "node", "container": "awf-agent"}, True),
        ({"process": "curl"}, False),
        ({"process": "ode"}, False),
        ({"container": "awf-squid"}, False),
        ({"process": "node", "container": "awf-squid"}, False),
        ({"process": "curl", "container": "awf-agent"}, False),
    ],
)
def test_calls_and_ways_out_may_be_those_of_one_process_or_container(
    asked: dict[str, str], is_it: bool
) -> None:
    report = held_by(NODE)
    code = BROKEN if is_it else KEPT
    assert held(report, statuses=("200",), **asked).exit_code == code
    assert held(report, hosts=("nothing.lab.test:443",), **asked).exit_code == code


def test_a_process_of_the_host_is_in_no_container() -> None:
    report = held_by(replace(NODE, exe=None, container=None))
    assert held(report, statuses=("200",), process="node").exit_code == BROKEN
    assert held(report, statuses=("200",), container="*").exit_code == KEPT


def test_a_container_whose_name_nobody_knows_is_not_proven_to_be_another() -> None:
    report = held_by(replace(NODE, container=None, container_id="4f1c"))
    judgement = held(report, statuses=("200",), container="awf-agent")
    assert (judgement.exit_code, judgement.broken) == (NOT_PROVEN, ())


def test_calls_at_the_api_proxy_are_no_way_out() -> None:
    net = Network()
    good = request("POST /v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}")
    say(net.to_api_proxy(), good, response()).close()
    assert held(net, hosts=("nothing.lab.test:443",)).exit_code == KEPT
