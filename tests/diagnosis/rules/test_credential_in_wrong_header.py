"""credential-in-wrong-header: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import CALL, called, cause, error, openai, refusal

_GOOGLE = (
    b'{"error":{"code":401,"message":"%s","status":"UNAUTHENTICATED","details":'
    b'[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"%s"}]}}'
)


@pytest.mark.parametrize(
    ("status", "body", "named"),
    [
        (
            401,
            _GOOGLE % (b"Expected OAuth 2 access token", b"ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            "x-goog-api-key",
        ),
        (
            401,
            _GOOGLE
            % (b"API keys are not supported by this API. Expected OAuth2", b"CREDENTIALS_MISSING"),
            "x-goog-api-key",
        ),
        (401, error("OAuth authentication is currently not supported."), "anthropic-beta"),
        (
            401,
            b'{"statusCode":401,"message":"Unauthorized. Access token is missing, invalid,'
            b' audience is incorrect (https://cognitiveservices.azure.com), or have expired."}',
            "api-key",
        ),
        (
            403,
            b'{"error":{"code":"AuthenticationTypeDisabled","message":"Key based authentication'
            b' is disabled for this resource."}}',
            "Entra",
        ),
        (400, b'{"message":"Personal Access Tokens are not supported for this endpoint"}', "gho_"),
        (401, openai("Your authentication token is not from a valid issuer."), "ANTHROPIC_API_KEY"),
    ],
)
def test_a_credential_of_another_kind_is_in_the_wrong_header(
    status: int, body: bytes, named: str
) -> None:
    told = cause(called(CALL, refusal(status, body=body)))

    assert told.code == "credential-in-wrong-header"
    assert named in told.advice


@pytest.mark.parametrize("message", ["invalid x-api-key", "x-api-key header is required"])
def test_a_bad_or_missing_key_is_not(message: str) -> None:
    assert (
        cause(called(CALL, refusal(401, body=error(message)))).code != "credential-in-wrong-header"
    )
