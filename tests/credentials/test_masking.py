"""Text of the same length without keys; and a second reading finds nothing to change."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.credentials import CredentialReader
from inspector.credentials.kinds import PLACEHOLDERS
from inspector.credentials.masking import Masker
from tests.leaks.cases import pair

K = pair("a mask", "unshaped")[0].text.decode()
A = pair("a mask", "anthropic")[0].text.decode()
#: What prompts with the documentation of an API are full of; `%s` is a key.
FORMS = [
    'curl -H "Authorization: Bearer %s" https://lab.test',
    "curl -H 'x-api-key: %s'",
    '{"Authorization":"Bearer %s"}',
    '{"headers": {"Authorization": "Bearer %s", "x-api-key": "%s"}}',
    "> Authorization: Bearer %s\r\n> Accept: */*\r\n",
    "Authorization: Bearer %s\nAccept: */*",
    'headers = {"Authorization": f"Bearer {key}", "x": "%s"}',
    "export ANTHROPIC_API_KEY=%s\n",
    'api_key="%s"\nprint(api_key)',
    "Bearer %s\\",
]
PLACES = ["$ANTHROPIC_API_KEY", "YOUR_API_KEY_HERE", "${TOKEN}", "{key}", "<your key>"]


def masked(text: str) -> tuple[str, str]:
    """Once, and then again by another reader that knows what the first has learnt."""
    first = Masker(b"made up")
    once = first.text(text)
    checker = Masker(b"made up", checking=True)
    checker.adopt(first)
    return once, checker.text(once)


def quoted(form: str, key: str, depth: int) -> str:
    text = form.replace("%s", key)
    for _ in range(depth):
        text = json.dumps({"prompt": text})
    return text


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("key", [K, A, *PLACES, *sorted(PLACEHOLDERS)])
@pytest.mark.parametrize("form", FORMS)
def test_a_mask_is_stable_as_long_as_what_it_hides_and_JSON_stays_JSON(
    form: str, key: str, depth: int
) -> None:
    text = quoted(form, key, depth)
    once, again = masked(text)
    assert once == again
    assert len(once) == len(text)
    if depth:
        json.loads(once)


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("key", sorted(PLACEHOLDERS))
@pytest.mark.parametrize("form", FORMS)
def test_a_placeholder_stays_byte_for_byte(form: str, key: str, depth: int) -> None:
    text = quoted(form, key, depth)
    assert masked(text)[0] == text
    assert CredentialReader(b"made up").scrub(text) == text


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_letter_before_a_string_of_a_program_stays(depth: int) -> None:
    text = quoted('h = {"Authorization": f"Bearer {key}", "x-api-key": rb"%s"}', "none", depth)
    assert masked(text)[0] == text


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("key", [K, A])
def test_a_key_after_a_scheme_is_hidden_and_what_closes_it_is_not(key: str, depth: int) -> None:
    text = quoted('-H "Authorization: Bearer %s" -v', key, depth)
    once, _ = masked(text)
    before, _, behind = text.partition(key)
    assert once.startswith(before)
    assert once.endswith(behind)
    assert key[-12:] not in once


@given(st.text(alphabet="\\\"' nrx:Bearer/{}$=%20", max_size=30), st.sampled_from([K, A, *PLACES]))
def test_whatever_stands_around_it_a_mask_is_stable(around: str, key: str) -> None:
    once, again = masked(f"{around}Authorization: Bearer {key}{around}")
    assert once == again


def test_the_vault_of_a_masker_finds_what_another_writing_made_of_a_key() -> None:
    masker = Masker(b"made up")
    masker.field("x-api-key", f" {K}")
    for echo in (K, K.upper(), K[:20], K.encode().hex(), f"{K[:14]}...{K[-14:]}"):
        shown = masker.text(f"no such key: {echo}, sorry")
        assert echo[:12] not in shown
        assert shown.startswith("no such key: ")
        assert shown.endswith(", sorry")


def test_permission_to_send_credentials_is_not_masked() -> None:
    masker = Masker(b"made up")
    assert masker.field("Access-Control-Allow-Credentials", " true") == " true"
    assert not masker.is_credential("Access-Control-Allow-Credentials")
    assert masker.found == []


def test_a_line_that_was_clean_is_looked_at_again_when_a_key_is_known() -> None:
    masker = Masker(b"made up")
    line = f"X-Note: {K}"
    assert masker.text(line) == line
    assert masker.text(line) == line
    masker.field("x-api-key", f" {K}")
    assert K[:12] not in masker.text(line)
