"""key-in-body: where it is found, and where something only resembles it."""

from __future__ import annotations

import gzip

import pytest

from inspector.model.report import Report
from inspector.policy.judge import judge
from inspector.policy.model import Expect, Policy
from tests.diagnosis.calls import API_SAYS, KEY, found, golden
from tests.exchanges.network import PLACEHOLDER, SQUID, Network, request, response, say
from tests.policy.test_judge import TODAY

REAL_KEY = "sk-ant-api03-LABONLY" + 73 * "k" + "AA"
SAID = b'{"messages":[{"role":"user","content":"the .env says %s"}]}'


def asked(body: bytes, *fields: str, line: str = "POST /v1/messages HTTP/1.1") -> bytes:
    return request(line, KEY, "content-type: application/json", *fields, body=body)


def report_of(ask: bytes, server: str | None = None) -> Report:
    net = Network()
    tcp = net.to_api_proxy() if server is None else net.to(server, 3128)
    say(tcp, ask, response("200 OK", *API_SAYS)).close()
    return net.report()


def test_a_key_in_a_prompt_is_a_warning_that_names_the_exchange_and_no_value() -> None:
    report = report_of(asked(SAID % REAL_KEY.encode()))
    finding = found(report)["key-in-body"]
    assert (finding.severity, finding.count) == ("warning", 1)
    assert [one.exchange for one in finding.evidence] == ["e1"]
    assert "body of a request" in finding.title
    assert "LABONLY" not in repr(report)
    assert "real-key-on-agent-hop" not in found(report)


def test_a_key_in_a_header_is_the_other_finding() -> None:
    report = report_of(request("POST /v1/messages HTTP/1.1", f"x-api-key: {REAL_KEY}"))
    assert "key-in-body" not in found(report)
    assert "real-key-on-agent-hop" in found(report)


@pytest.mark.parametrize("said", [PLACEHOLDER, "sk-ant-api03-...", "sk-ant-api03-" + "x" * 40])
def test_documentation_and_placeholders_are_none(said: str) -> None:
    assert "key-in-body" not in found(report_of(asked(SAID % said.encode())))


def test_a_call_by_way_of_squid_is_told_once() -> None:
    line = "POST http://172.30.0.30:10001/v1/messages HTTP/1.1"
    report = report_of(asked(SAID % REAL_KEY.encode(), line=line), SQUID)
    assert found(report)["key-in-body"].count == 1


def test_no_golden_capture_has_it() -> None:
    assert "key-in-body" not in found(golden("agent-holds-real-key"))


def verdict(body: bytes, *fields: str, everywhere: bool) -> int:
    expect = Expect("anthropic", placeholder_only="everywhere" if everywhere else True)
    report = report_of(asked(body, *fields))
    return judge(report, Policy("lab", None, (expect,)), TODAY).exit_code


def test_of_policies_it_breaks_everywhere_alone() -> None:
    body = SAID % REAL_KEY.encode()
    assert verdict(body, everywhere=True) == 3
    assert verdict(body, everywhere=False) == 0
    assert verdict(SAID % b"nothing", everywhere=True) == 0


def test_a_body_that_was_not_searched_proves_nothing() -> None:
    body = gzip.compress(SAID % REAL_KEY.encode())
    assert verdict(body, "content-encoding: gzip", everywhere=True) == 5
    assert verdict(body, "content-encoding: gzip", everywhere=False) == 0


def test_a_key_in_a_prompt_is_found_in_a_recorded_call() -> None:
    assert found(golden("key-in-prompt"))["key-in-body"].severity == "warning"
