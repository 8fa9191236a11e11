"""An answer in a form that nobody reads is no success: an error may be in it as well."""

from __future__ import annotations

import pytest

from inspector.diagnosis.outcome import outcome_of
from inspector.model.report import Report
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


def test_what_no_model_was_asked_for_may_have_any_form() -> None:
    report = run(TELEMETRY, body=b"ok")
    assert [outcome_of(call) for call in report.exchanges] == ["answered"]
