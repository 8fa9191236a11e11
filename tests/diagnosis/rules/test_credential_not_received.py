"""credential-not-received: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import API_SAYS, CALL, called, cause, error, openai, refusal, through
from tests.exchanges.network import response


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, openai("Missing bearer or basic authentication in header")),
        (401, openai("You didn't provide an API key. You need to provide your API key")),
        (401, error("x-api-key header is required")),
        (
            403,
            b'{"error":{"code":403,"message":"Method doesn\'t allow unregistered callers (callers'
            b' without established identity).","status":"PERMISSION_DENIED"}}',
        ),
        (
            401,
            b'{"statusCode":401,"message":"Access denied due to missing subscription key. Make'
            b' sure to include subscription key when making requests to an API."}',
        ),
        (403, b'{"message":"Missing Authentication Token"}'),
        (401, b'{"error":{"message":"No auth credentials found","code":401}}'),
        (401, b'{"message":"no api key supplied"}'),
        (401, b'{"message":"No API key found in request"}'),
        (401, openai("Authentication Error, No api key passed in.", "auth_error")),
        (401, b'{"detail":"Not authenticated"}'),
        (401, b'{"message":"Requires authentication"}'),
    ],
)
def test_an_answer_that_misses_a_credential_judged_none(status: int, body: bytes) -> None:
    told = cause(called(CALL, refusal(status, body=body)))

    assert told.code == "credential-not-received"
    assert "No credential arrived" in told.sentence
    assert "Check the key" not in told.advice


def test_the_advice_names_variable_header_and_host() -> None:
    answer = refusal(401, body=error("x-api-key header is required"))

    told = cause(through("api.anthropic.com", CALL, answer))

    assert all(
        name in told.advice for name in ("ANTHROPIC_API_KEY", "x-api-key", "api.anthropic.com")
    )


def test_plain_text_of_a_gateway_is_read_as_well() -> None:
    answer = refusal(401, body=b"Jwt is missing", kind="text/plain")

    assert cause(called(CALL, answer)).code == "credential-not-received"


@pytest.mark.parametrize(
    "message",
    ["Incorrect API key provided: sk-x", "invalid x-api-key", "Invalid bearer token", "log in"],
)
def test_a_credential_that_was_judged_had_arrived(message: str) -> None:
    answer = response("401 Unauthorized", *API_SAYS, body=error(message))

    assert cause(called(CALL, answer)).code == "upstream-rejected-credential"


def test_a_success_says_nothing_of_credentials() -> None:
    answer = response("200 OK", *API_SAYS, body=b'{"type":"message","content":[]}')

    assert called(CALL, answer).root_cause is None
