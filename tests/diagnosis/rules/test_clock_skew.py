"""clock-skew: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import CALL, called, cause, refusal


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b'{"message":"Signature expired: 20261128T164400Z is now earlier than 20261128T'
              b'165500Z (20261128T170000Z - 5 min.)"}'),
        (403, b'{"message":"Signature not yet current: 20261128T170000Z is still later than x"}'),
        (400, b'{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a'
              b' short-lived token (60 minutes) and in a reasonable timeframe."}'),
        (401, b'{"message":"\'Issued at\' claim (\'iat\') is too far in the past"}'),
    ],
)  # fmt: skip
def test_a_time_that_is_not_now_is_a_clocks_fault(status: int, body: bytes) -> None:
    told = cause(called(CALL, refusal(status, body=body)))

    assert told.code == "clock-skew"
    assert "NTP" in told.advice
    assert "plan allow" not in told.advice


def test_the_type_may_stand_in_a_header_alone() -> None:
    answer = refusal(
        403, "x-amzn-errortype: RequestTimeTooSkewed:http://x/", body=b'{"message":""}'
    )

    assert cause(called(CALL, answer)).code == "clock-skew"


def test_a_signature_that_does_not_match_is_the_keys() -> None:
    body = b'{"message":"The request signature we calculated does not match the signature"}'

    told = cause(called(CALL, refusal(403, body=body)))

    assert told.code == "upstream-rejected-credential"
    assert "AWS_SECRET_ACCESS_KEY" in told.advice
