"""Text of the same length without keys; and a second reading finds nothing to change."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.credentials import CredentialReader
from inspector.credentials.masking import Masker
from inspector.secrets.constants import PLACEHOLDERS
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
    """Once, and then again by another masker that knows what the first has learnt."""
    first = Masker(b"made up")
    once = first.text(text)
    return once, told_alike(once, Masker(b"made up", vault=first.vault).text(once))


def told_alike(once: str, again: str) -> str:
    """What masks of masks say, with the digits that a first one has: those alone may differ."""
    assert len(once) == len(again)
    return "".join(
        old if old.isdigit() and (new.isdigit() or new in "xX") else new
        for old, new in zip(once, again, strict=True)
    )


def field(name: str, value: str, *kept: str) -> str:
    """A field's value once masked, which a second look leaves as it is."""
    first = Masker(b"made up", kept_headers=kept)
    once = first.field(name, value)
    again = Masker(b"made up", kept_headers=kept, vault=first.vault).field(name, once)
    assert told_alike(once, again) == once
    assert len(once) == len(value)
    return once


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


# -- what no table grants ---------------------------------------------------------------


def test_a_value_that_nothing_grants_keeps_its_length_and_its_white_space() -> None:
    assert re.fullmatch(
        r" x{2} x{3}\r\n\tx{1,9}[0-9]{1,8}", field("X-Lab", " qw ert\r\n\tyuiopasdf")
    )
    assert field("X-Lab", " ab") == " ab"  # too short to be anything
    assert field("X-Lab", " q\xe9") == " xx"


def test_equal_values_get_equal_masks_that_are_no_numbers() -> None:
    masks = {field("X-Lab", text) for text in ("qwertyuiop", "qwertyuiop", "qwertyuiou")}
    assert len(masks) == 2
    assert all(mask.startswith("xx") for mask in masks)


def test_of_a_granted_value_what_its_grammar_grants_stays() -> None:
    assert field("Content-Length", " 128") == " 128"
    assert field("Transfer-Encoding", "gzip, chunked") == "gzip, chunked"
    assert re.fullmatch(
        r"curl/7\.88\.1 \(x+[0-9]{8}\)", field("User-Agent", "curl/7.88.1 (qw3rty4uiop5asd)")
    )


@pytest.mark.parametrize("constant", sorted(PLACEHOLDERS))
def test_placeholders_stay_where_nothing_is_granted(constant: str) -> None:
    assert field("X-Lab", f"LABONLY {constant}").endswith(f" {constant}")


@pytest.mark.parametrize("value", [f"it is:{A}", f"{A}: it is", f"({A}.)", f"{A} {A}"])
def test_a_key_of_a_documented_shape_is_told_as_before(value: str) -> None:
    def told(text: str) -> str:
        (shown,) = CredentialReader(b"k").headers([(b"X-Lab", text.encode("latin-1"))])
        return re.sub(" [0-9a-f]{12}>", ">", shown[1])

    assert told(field("X-Lab", value)) == told(value)
    assert f"<anthropic-api-key sk-ant-api03- {len(A)} bytes>" in told(value)


@pytest.mark.parametrize(
    "target",
    [
        "/v1/messages?beta=true", "/bot12345678:AAqwertyuiopas/send", "/v1/mesages", "*",
        "/v1/models?session=qwertyuiopas&alt=sse", "http://lab:LABONLYq@qw3rty4uiop5asd.test/x?y",
        "/v1?key=LABONLYqwerty#access_token=qwertyuiopas", f"/v1/{A}/models", "/%71%77%65rtyuiop",
    ],
)  # fmt: skip
def test_a_masked_target_is_shown_as_the_original_is(target: str) -> None:
    def told(text: str) -> str:
        return re.sub(" [0-9a-f]{12}>", ">", CredentialReader(b"k").target(text.encode("latin-1")))

    masked = Masker(b"made up").target(target)
    assert len(masked) == len(target)
    assert told(masked) == told(target)


def test_a_header_that_a_user_names_stays_but_for_keys_in_it() -> None:
    assert field("X-Lab", "LABONLY words", "x-lab") == "LABONLY words"
    assert A not in field("X-Lab", f"LABONLY {A}", "x-lab")


def test_a_mask_does_not_tell_where_the_key_has_the_letters_of_masks() -> None:
    keys = ("LABONLYqrsxuvwXyzabcd7fghij", "LABONLYqrstuvwkyzabcdefghij")
    masks = [Masker(b"k").target(f"/v1/sk-ant-api03-{key[:9]}%71{key[9:]}/a") for key in keys]
    told = [re.sub(r"[0-9]", "0", mask) for mask in masks]
    assert told[0] == told[1]


@pytest.mark.parametrize("raw", [" 1.0", "1.0", "\t1.0 ", "  x"])
def test_a_value_that_is_too_short_to_be_anything_stays_as_in_the_report(raw: str) -> None:
    assert Masker(b"lab").field("X-Unheard-Of", raw) == raw
