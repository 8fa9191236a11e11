"""key-in-body: where it is found, and where something only resembles it."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
import zstandard

from inspector.model.conclusions import Severity
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


@pytest.mark.parametrize(
    ("coding", "coded"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)]
)
def test_a_key_is_found_behind_the_coding_of_a_body(
    coding: str, coded: Callable[[bytes], bytes]
) -> None:
    """Codex compresses what it sends."""
    body = coded(SAID % REAL_KEY.encode())
    report = report_of(asked(body, f"content-encoding: {coding}"))
    assert found(report)["key-in-body"].count == 1
    assert "LABONLY" not in repr(report)
    assert verdict(body, f"content-encoding: {coding}", everywhere=True) == 3
    assert verdict(coded(SAID % b"nothing"), f"content-encoding: {coding}", everywhere=True) == 0


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("x-ours", bytes(range(64))),
        ("gzip", gzip.compress(SAID % REAL_KEY.encode())[:-30]),
        ("gzip", gzip.compress(SAID % b"nothing") + b"behind its end"),
    ],
)
def test_a_body_that_was_not_searched_proves_nothing(coding: str, body: bytes) -> None:
    assert verdict(body, f"content-encoding: {coding}", everywhere=True) == 5
    assert verdict(body, f"content-encoding: {coding}", everywhere=False) == 0


def test_a_body_that_is_in_no_coding_is_searched_as_it_is() -> None:
    body = SAID % REAL_KEY.encode()
    assert verdict(body, "content-encoding: gzip", everywhere=True) == 3


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 5), ("note", 5)])
def test_nor_does_it_prove_that_there_is_no_such_finding(level: Severity, code: int) -> None:
    report = report_of(asked(bytes(range(64)), "content-encoding: x-ours"))
    assert judge(report, Policy("lab", level, ()), TODAY).exit_code == code


def test_a_key_in_a_prompt_is_found_in_a_recorded_call() -> None:
    assert found(golden("key-in-prompt"))["key-in-body"].severity == "warning"


def test_requests_that_decode_to_much_leave_as_much_for_answers() -> None:
    bomb = gzip.compress(bytes(60 << 20))
    net = Network()
    asks = [asked(bomb, "content-encoding: gzip") for _ in range(2)]
    error = b'{"type":"error","error":{"type":"x","message":"words"}}'
    coded = ("content-encoding: gzip", "content-type: application/json", "request-id: req_1")
    for ask in asks:
        say(net.to_api_proxy(), ask, response("400 No", *coded, body=gzip.compress(error))).close()
    report = net.report()
    answers = [call.response for call in report.exchanges]
    assert [answer and answer.api_error is not None for answer in answers] == [True, True]
    assert [call.request and call.request.body_searched for call in report.exchanges] == [False] * 2
