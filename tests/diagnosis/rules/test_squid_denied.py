"""squid-denied: where it is found, and where something only resembles it."""

from __future__ import annotations

import json

import pytest

from inspector.inspection import Inspector, Sources
from inspector.model.conclusions import RootCause
from tests.diagnosis.calls import CALL, DENIED, cause, found, golden
from tests.diagnosis.peeking import (
    CANNOT_CONNECT,
    NO_WAY,
    OPENED,
    TUNNELED,
    closed_at_hello,
    line,
    with_log,
)
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    Network,
    connect,
    play,
    say,
    tls,
)
from tests.flows.build import batch
from tests.witnesses.test_manifest import RULES


def test_squids_403_to_a_connect_is_a_denial() -> None:
    assert "squid-denied" in found(golden("squid-denied"))


def test_the_apis_403_is_not() -> None:
    assert "squid-denied" not in found(golden("upstream-403"))


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


# -- what the rule is about ---------------------------------------------------------


def _denied(authority: str, *let_through: tuple[str, str]) -> RootCause:
    """A denied call; before it tunnels that Squid made, each of a client to an authority."""
    net = Network()
    for client, other in let_through:
        play(say(net.to_squid(client), connect(other), ESTABLISHED), tls()).close()
    call = net.to_api_proxy().up(CALL).ack(False)
    say(net.to_squid(), connect(authority), DENIED).close()
    call.down(DENIED).ack(True).close()
    return cause(net.report())


def test_a_domain_of_which_nothing_was_let_through_is_to_be_allowed() -> None:
    told = _denied("api.mistral.ai:443", (API_PROXY, "api.anthropic.com:443"))

    assert "Add the domain to the allow-list: api.mistral.ai" in told.advice
    assert "--allow-domains" in told.advice


@pytest.mark.parametrize(
    ("let_through", "says"),
    [
        ((API_PROXY, "api.test:443"), "maxconn"),
        ((AGENT, "api.test:443"), "the client's address"),
        ((API_PROXY, "api.test:8443"), "Use a port"),
    ],
    ids=["same-destination", "for-another-client", "on-another-port"],
)
def test_what_was_let_through_nearby_is_not_what_is_denied(
    let_through: tuple[str, str], says: str
) -> None:
    told = _denied("api.test:443", let_through)

    assert told.code == "squid-denied"
    assert says in told.advice
    assert "Add the domain" not in told.advice


def test_a_bare_address_and_a_port_have_their_own_advice() -> None:
    assert "Use the host's name" in _denied("203.0.113.9:443").advice
    assert "port 443" in _denied("api.test:80").advice


@pytest.mark.parametrize(
    ("authority", "rule", "says"),
    [
        ("api.mistral.ai:443", "deny-default", "--allow-domains"),
        ("api.github.com:8443", "deny-unsafe-ports", "Safe_ports"),
        ("203.0.113.9:443", "deny-raw-ipv4", "Use the host's name"),
        ("a.evil.test:443", "deny-blocked-plain", "--block-domains"),
        ("api.github.com:443", "allow-both-plain", "another rule of squid.conf"),
    ],
)
def test_a_denial_names_the_rule_of_the_manifest_beside_the_capture(
    authority: str, rule: str, says: str
) -> None:
    net = Network()
    call = net.to_api_proxy().up(CALL).ack(False)
    say(net.to_squid(), connect(authority), DENIED).close()
    call.down(DENIED).ack(True).close()
    # Rules of before the API proxy's own connections were trusted.
    rows = [row for row in RULES if row["id"] != "allow-from-api-proxy"]
    rows = [{**row, "order": number} for number, row in enumerate(rows)]
    text = json.dumps({"version": 1, "rules": rows, "allowHostPorts": None}, indent=2)
    inspector = Inspector()
    inspector.feed(batch(net.wire.packets))

    report = inspector.finish(
        Sources(logs=(("policy-manifest.json", text.encode().splitlines(keepends=True)),))
    )

    told = cause(report)
    assert told.code == "squid-denied"
    assert any(f"rule {rule} " in line for line in told.details), told.details
    assert says in told.advice
    assert report.witnesses is not None
    assert report.witnesses.policy_rules == len(rows)


# -- a Squid that peeks -------------------------------------------------------------


def test_an_opening_without_a_second_line_is_a_server_name_that_is_denied() -> None:
    net, tunnel = closed_at_hello()

    told = cause(with_log(net, line(tunnel, OPENED)))

    assert (told.code, told.explains, told.of) == ("squid-denied", 1, 1)
    assert "api.lab.test" in told.sentence
    assert "Add the server name to the allow-list: api.lab.test" in told.advice


@pytest.mark.parametrize("other", [CANNOT_CONNECT, NO_WAY, TUNNELED])
def test_with_a_second_line_it_is_not(other: str) -> None:
    net, tunnel = closed_at_hello()

    assert "squid-denied" not in found(with_log(net, line(tunnel, OPENED), line(tunnel, other)))


def test_without_a_log_it_is_one_of_three() -> None:
    net, _ = closed_at_hello()

    assert "squid-denied" not in found(net.report())
