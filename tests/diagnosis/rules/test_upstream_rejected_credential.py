"""upstream-rejected-credential: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import API_SAYS, CALL, called, cause, error, found, golden
from tests.exchanges.network import response


def test_a_401_of_the_api_rejects_the_credential() -> None:
    assert "upstream-rejected-credential" in found(golden("h4-401-inside-tunnel"))


def test_an_answer_about_the_scheme_does_not() -> None:
    assert "upstream-rejected-credential" not in found(golden("copilot-wrong-scheme"))


@pytest.mark.parametrize(
    ("status", "message", "judged"),
    [
        ("401 Unauthorized", "invalid x-api-key", "x-api-key"),
        ("401 Unauthorized", "Invalid bearer token", "Authorization"),
        ("401 Unauthorized", "Incorrect API key provided: sk-x", "the API key"),
        ("400 Bad Request", "API_KEY_INVALID", "the API key"),
        ("401 Unauthorized", "please log in", None),
    ],
)
def test_the_details_name_the_header_that_the_apis_message_is_about(
    status: str, message: str, judged: str | None
) -> None:
    told = cause(called(CALL, response(status, *API_SAYS, body=error(message))))

    assert told.code == "upstream-rejected-credential"
    lines = [line for line in told.details if line.startswith("The API judged")]
    assert lines == (
        []
        if judged is None
        else [f"The API judged {judged}, which the API proxy writes, not the agent."]
    )


def test_a_400_about_something_else_rejects_no_credential() -> None:
    answer = response("400 Bad Request", *API_SAYS, body=error("max_tokens: field required"))

    assert cause(called(CALL, answer)).code == "upstream-bad-request"
