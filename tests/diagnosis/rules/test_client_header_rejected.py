"""client-header-rejected: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import CALL, called, cause, error, openai, refusal


@pytest.mark.parametrize(
    ("status", "body", "named"),
    [
        (401, openai("OpenAI-Organization header should match organization for API key",
                     code="mismatched_organization"), "OPENAI_ORG_ID"),
        (401, openai("No such organization: org-x.", code="invalid_organization"), "OPENAI_ORG_ID"),
        (401, openai("OpenAI-Project header should match project for API key",
                     code="mismatched_project"), "OPENAI_PROJECT_ID"),
        (400, error("Unexpected value(s) `a` for the `anthropic-beta` header"), "anthropic-beta"),
        (400, error("anthropic-version: header is required"), "anthropic-version"),
        (400, b'{"message":"bad request: missing Editor-Version header for IDE auth"}', "header"),
    ],
)  # fmt: skip
def test_a_header_of_the_clients_is_named_and_the_key_is_good(
    status: int, body: bytes, named: str
) -> None:
    report = called(CALL, refusal(status, body=body))
    told = cause(report)

    assert told.code == "client-header-rejected"
    assert named in told.advice
    assert "the key is good" in told.advice
    assert "Check the key" not in told.advice
    assert next(row for row in report.hypotheses if row.id == "H1").verdict == "confirmed"


def test_a_field_of_the_body_is_no_header() -> None:
    told = cause(called(CALL, refusal(400, body=error("max_tokens: field required"))))

    assert told.code == "upstream-bad-request"
