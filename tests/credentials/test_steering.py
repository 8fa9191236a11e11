"""Headers that steer authentication are shown as they are, and no key with them."""

from __future__ import annotations

import pytest

from inspector.credentials import STEERING_HEADERS, CredentialReader
from inspector.credentials.steering import steering
from inspector.protocols.messages import Field
from tests.credentials.canary import leaks

KEY = b"sk-ant-api03-LABONLYqwertyuiop"


@pytest.fixture
def reader() -> CredentialReader:
    return CredentialReader(bytes(range(32)))


def test_steering_headers_are_given_by_name_as_sent(reader: CredentialReader) -> None:
    fields = [
        Field(b"Anthropic-Version", b" 2023-06-01"),
        Field(b"anthropic-beta", b" a"),
        Field(b"x-api-key", b" " + KEY),
        Field(b"Anthropic-Beta", b" b"),
    ]
    assert steering(fields, reader.headers(fields)) == {
        "Anthropic-Version": "2023-06-01",
        "anthropic-beta": "a, b",
    }


def test_a_steering_header_may_not_smuggle_a_key(reader: CredentialReader) -> None:
    for name in STEERING_HEADERS:
        fields = [Field(name, b" " + KEY)]
        (value,) = steering(fields, reader.headers(fields)).values()
        assert leaks("LABONLYqwertyuiop", value) == []
