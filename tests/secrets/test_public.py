"""What everyone knows is no key, though somebody sends it as one."""

from __future__ import annotations

import pytest

from inspector.credentials import CredentialReader
from inspector.secrets.constants import PLACEHOLDERS
from inspector.secrets.public import is_mask, is_public, is_words

PUBLIC = [
    "application/json", "application/json; charset=utf-8", "text/event-stream",
    "api.anthropic.com:443", "api.githubcopilot.com", "172.30.0.30:10001", "2023-06-01",
    "Authorization: Bearer", "invalid x-api-key", "authentication_error", "/v1/messages",
    "sk-ant-api03-", "github_pat_", "x-access-token", "HTTP/1.1 200 OK", "TCP_TUNNEL/200",
    "no-cache, no-store", "undefined", "null", *PLACEHOLDERS,
]  # fmt: skip
SECRET = [
    "correct-horse-battery-staple", "4f0c9a31b2de77aa", "sk-ant-api03-zq", "robin7nestling",
    "1234567890123456", "1234-5678-9012-3456", "hunter22hunter", "AKIAMADEUPMADEUP0000",
    "MadeUpPassphrase", "application/json-robin7nest", "Tr0ub4dor&3xyz",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_words_of_the_protocols_are_public(text: str) -> None:
    assert is_public(text.encode())
    assert is_public(text.upper().encode())


@pytest.mark.parametrize("text", SECRET)
def test_nothing_else_is(text: str) -> None:
    assert not is_public(text.encode())


@pytest.mark.parametrize("text", PUBLIC)
def test_sent_as_a_key_it_blanks_nothing(text: str) -> None:
    credentials = CredentialReader(b"made up for tests")
    before = CredentialReader(b"made up for tests")
    credentials.auth([(b"x-api-key", b" " + text.encode())])
    said = f"the answer says {text} and more"
    fields = [(b"Content-Type", b" application/json"), (b"X-Note", said.encode())]
    assert credentials.headers(fields) == before.headers(fields)
    assert credentials.scrub(said) == before.scrub(said)


@pytest.mark.parametrize("number", ["1", "2", "256", "443", "2023-06-01"])
def test_numbers_beside_words_are_a_version_and_alone_no_word(number: str) -> None:
    # `1` and `256` also stand among the words: they end the names of schemes.
    assert is_words(f"application/json; version={number}".encode())
    assert not is_words(number.encode())


def test_a_mask_is_told_from_a_key() -> None:
    assert is_mask(b"sk-ant-api03-xxxxxxxxxxxx12345678")
    assert is_mask(b"xxxxxxxx")
    assert not is_mask(b"sk-ant-api03-XxXxyz12345678")
