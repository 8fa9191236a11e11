"""The built-in policy over captures made by hand: what a gate must not pass, and what it must."""

from __future__ import annotations

from datetime import date
from typing import Final

import pytest

from inspector.policy.judge import BROKEN, KEPT, Judgement, judge
from inspector.policy.model import AWF
from inspector.report.model import Report
from tests.exchanges.network import (
    ESTABLISHED,
    KEY,
    PLACEHOLDER,
    Network,
    connect,
    play,
    request,
    response,
    say,
    tls,
)

TODAY: Final = date(2026, 8, 3)
#: The name in the recorded TLS.
HOST: Final = "api.lab.test:443"
GOOD: Final = request("POST /v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}")
ANSWER: Final = response("200 OK", "content-type: application/json", "request-id: req_1")


def gate(report: Report) -> Judgement:
    return judge(report, AWF, TODAY)


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
    "status", ["500 Internal Server Error", "502 Bad Gateway", "504 Gateway Timeout"]
)
def test_a_call_that_failed_of_no_known_cause_is_not_passed(status: str) -> None:
    net = healthy()
    answer = response(status, "Content-Type: application/json", body=b'{"error":"Proxy error"}')
    say(net.to_api_proxy(), GOOD, answer).close()
    judgement = gate(net.report())
    assert judgement.exit_code == BROKEN
    assert [finding.code for finding in judgement.findings] == ["call-failed"]


# -- keys ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, "opaque-and-no-placeholder"])
def test_a_credential_in_a_connect_breaks_placeholders_only(key: str) -> None:
    net = healthy()
    tunnel = net.to_squid("172.30.0.20")
    play(say(tunnel, connect(HOST, f"Proxy-Authorization: Bearer {key}"), ESTABLISHED), tls())
    assert "another credential in a CONNECT" in told(net.report())


def test_a_placeholder_in_a_connect_does_not() -> None:
    net = healthy()
    field = f"Proxy-Authorization: Bearer {PLACEHOLDER}"
    play(say(net.to_squid("172.30.0.20"), connect(HOST, field), ESTABLISHED), tls())
    assert told(net.report()) == []


def test_a_real_key_in_a_gateways_header_is_not_passed() -> None:
    net = healthy()
    call = request("POST / HTTP/1.1", f"x-api-key: {PLACEHOLDER}", f"x-litellm-api-key: {KEY}")
    say(net.to_api_proxy(), call, ANSWER).close()
    judgement = gate(net.report())
    assert [finding.code for finding in judgement.findings] == ["real-key-on-agent-hop"]
    assert told(net.report()) == ["another credential"]
