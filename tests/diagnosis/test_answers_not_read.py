"""An answer in a form that nobody reads is no success: an error may be in it as well."""

from __future__ import annotations

from datetime import date

import pytest

from inspector.diagnosis.outcome import outcome_of
from inspector.errors import ExitCode
from inspector.model.report import Report
from inspector.policy.judge import judge
from inspector.policy.model import Policy
from tests.exchanges.network import PLACEHOLDER, Network, request, response

CALL = request("POST /v1/messages HTTP/1.1", f"x-api-key: {PLACEHOLDER}")
TELEMETRY = request("POST /api/event_logging/batch HTTP/1.1", f"x-api-key: {PLACEHOLDER}")


def run(asked: bytes, *fields: str, body: bytes = b'{"type":"error"}') -> Report:
    """One call that is answered 200."""
    net = Network()
    call = net.to_api_proxy()
    call.up(asked).ack(False).down(response("200 OK", *fields, body=body)).ack(True)
    call.close()
    return net.report()


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("content-type: application/octet-stream",),
        ("content-type: application/x-ndjson",),
        ("content-type: application/vnd.amazon.eventstream",),
    ],
)
def test_of_an_answer_in_no_form_that_is_read_nothing_is_known(fields: tuple[str, ...]) -> None:
    report = run(CALL, *fields)
    assert [outcome_of(call) for call in report.exchanges] == ["unread"]
    assert report.root_cause is None
    assert {item.verdict for item in report.hypotheses} == {"not observable"}


def test_nor_of_json_in_a_coding_that_is_not_known() -> None:
    coded = ("content-type: application/json", "content-encoding: x-ours")
    report = run(CALL, *coded, body=bytes(range(64)))
    assert [outcome_of(call) for call in report.exchanges] == ["unread"]


def test_nor_of_a_sentence_in_plain_text() -> None:
    report = run(CALL, "content-type: text/plain", body=b"Please try again later.")
    assert [outcome_of(call) for call in report.exchanges] == ["unread"]


def test_json_labelled_plain_text_is_read() -> None:
    message = b'{"type":"message","model":"m","usage":{"input_tokens":1,"output_tokens":1}}'
    report = run(CALL, "content-type: text/plain", body=message)
    assert [outcome_of(call) for call in report.exchanges] == ["answered"]


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json"])
def test_json_is_read_whatever_is_in_it(kind: str) -> None:
    report = run(CALL, f"content-type: {kind}", body=b'{"object":"list"}')
    assert [outcome_of(call) for call in report.exchanges] == ["answered"]


@pytest.mark.parametrize(
    "body",
    [b'{"message":"Forbidden"}', b'{"detail":"Not authenticated"}', b'{"msg":"no","code":7}'],
)
def test_of_a_message_and_nothing_of_an_answer_it_is_not_known_what_it_speaks_of(
    body: bytes,
) -> None:
    report = run(CALL, "content-type: application/json", body=body)
    assert [outcome_of(call) for call in report.exchanges] == ["unread"]
    assert {item.verdict for item in report.hypotheses} == {"not observable"}
    assert [each.name for each in report.oddities] == ["json-message-alone"]


def test_nor_does_a_gateways_number_say_which_header_was_judged() -> None:
    """A 200 that says 500 and nothing that is read may be about the path, or about a header."""
    body = b'{"code":500,"msg":"404 NOT_FOUND","success":false}'
    report = run(CALL, "content-type: application/json", "request-id: req_1", body=body)
    assert [outcome_of(call) for call in report.exchanges] == ["unusable"]
    assert report.root_cause is not None
    assert report.root_cause.code == "answer-unusable"
    verdicts = {item.id: item.verdict for item in report.hypotheses}
    assert (verdicts["H1"], verdicts["H4b"]) == ("not observable", "confirmed")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-ndjson", b'{"done":false}\n{"error":"model runner has stopped"}\n'),
        ("application/vnd.amazon.eventstream", bytes(64)),
        ("application/json", b'{"message":"Forbidden"}'),
        ("text/plain", b"upstream is busy"),
    ],
)
def test_that_nothing_failed_is_not_proven_by_such_an_answer(kind: str, body: bytes) -> None:
    report = run(CALL, f"content-type: {kind}", body=body)
    judgement = judge(report, Policy("--fail-on", "error"), date.min)
    assert judgement.exit_code is ExitCode.NOT_PROVEN
    assert [doubt.where for doubt in judgement.doubts] == [("e1",)]


def test_nor_by_what_was_said_to_the_api_proxy_in_another_protocol() -> None:
    net = Network()
    net.to_api_proxy().up(b"\0\1\2\3 no HTTP").ack(False).down(b"\0").ack(True).close()
    judgement = judge(net.report(), Policy("--fail-on", "error"), date.min)
    assert judgement.exit_code is ExitCode.NOT_PROVEN


def test_what_no_model_was_asked_for_may_have_any_form() -> None:
    report = run(TELEMETRY, body=b"ok")
    assert [outcome_of(call) for call in report.exchanges] == ["answered"]
