"""What a text announces as a secret is one, whatever it looks like."""

from __future__ import annotations

import pytest

from inspector.secrets.announced import announced

VALUE = "sunflower"


@pytest.mark.parametrize(
    "form",
    [
        "ANTHROPIC_API_KEY=%s", "DB_PASSWORD=%s", "api_key: %s", "apiKey=%s", "Password: %s.",
        '{"private_key":"%s"}', '{"api-key" :  "%s"}', '[{"credentials":"%s"}]',
        "//registry.lab.test/:_authToken=%s", "--token=%s", "--api-key %s", "-p --password '%s'",
        "key is `%s`", "the token '%s' is wrong", "Incorrect API key provided: %s",
        "> X-Vault-Token: %s", "Authorization: Bearer %s", "curl -u robin:%s https://lab.test",
        "machine lab.test login robin password %s", "https://robin:%s@lab.test/v1",
        "DefaultEndpoint;AccountKey=%s;x", "otp=%s",
    ],
)  # fmt: skip
def test_what_stands_behind_its_name_is_a_secret(form: str) -> None:
    text = form.replace("%s", VALUE)
    at = text.index(VALUE)
    assert any(start <= at and at + len(VALUE) <= stop for start, stop in announced(text))


@pytest.mark.parametrize(
    "text",
    [
        "invalid x-api-key",
        "token: expired",
        "Signature expired: now earlier",
        "Missing bearer or basic authentication in header",
        "Expected OAuth 2 access token, login cookie or other",
        "Set ANTHROPIC_API_KEY to enable this provider",
        "api_key: must be a string",
        "i.e. Authorization: Bearer YOUR_KEY",
        "max_tokens: 200000 is too many",
        "the key: ANTHROPIC_API_KEY",
        "monkey: banana",
    ],
)
def test_a_sentence_about_keys_announces_nothing(text: str) -> None:
    assert list(announced(text)) == []
