"""credential-expired: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from inspector.model.conclusions import RootCause
from tests.diagnosis.calls import CALL, DENIED, called, cause, error, openai, refusal, through
from tests.exchanges.network import Network, connect, say


@pytest.mark.parametrize(
    ("status", "body", "advised"),
    [
        (401, error("OAuth token has expired. Please obtain a new token"), "refreshed"),
        (401, openai("Provided token is expired.", code="token_expired"), "refreshed"),
        (403, b'{"__type":"ExpiredTokenException","message":"The security token included in the'
              b' request is expired"}', "refreshed"),
        (401, b'{"message":"unauthorized: token expired"}', "refreshed"),
        (400, b'{"error":{"code":400,"message":"API key expired. Please renew the API key.",'
              b'"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}', "Renew"),
    ],
)  # fmt: skip
def test_what_has_expired_is_refreshed(status: int, body: bytes, advised: str) -> None:
    told = cause(called(CALL, refusal(status, body=body)))

    assert told.code == "credential-expired"
    assert advised in told.advice


def test_an_expired_signature_is_a_clocks_fault() -> None:
    body = b'{"message":"Signature expired: 20261128T164400Z is now earlier than 20261128T165500Z"}'

    assert cause(called(CALL, refusal(403, body=body))).code == "clock-skew"


def test_a_key_that_is_wrong_has_not_expired() -> None:
    told = cause(called(CALL, refusal(401, body=error("invalid x-api-key"))))

    assert told.code == "upstream-rejected-credential"


def _with_refused(authority: str) -> RootCause:
    net = Network()
    say(net.to_squid(), connect(authority), DENIED).close()
    answer = refusal(401, body=error("OAuth token has expired. Please obtain a new token"))
    return cause(through("api.anthropic.com", CALL, answer, net=net))


@pytest.mark.parametrize(
    "host",
    [
        "sts.eu-west-1.amazonaws.com",
        "oauth2.googleapis.com",
        "login.microsoftonline.com",
        "pipelinesghubeus1.actions.githubusercontent.com",
    ],
)
def test_the_refused_endpoint_of_the_token_is_what_to_allow(host: str) -> None:
    told = _with_refused(f"{host}:443")

    assert told.code == "credential-expired"
    assert told.advice.startswith(f"Let Squid pass {host}:")
    assert any(f"Squid refused {host}:443 (t1)" in line for line in told.details)


def test_another_refused_host_renews_nothing() -> None:
    told = _with_refused("telemetry.example:443")

    assert "telemetry.example" not in told.advice
    assert not any("Squid refused" in line for line in told.details)
