"""Free text keeps its meaning and loses its keys."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.credentials.finding import unescaped
from inspector.credentials.scrubbing import Scrubber
from inspector.secret import Secret
from inspector.secrets.constants import PLACEHOLDERS
from tests.credentials.canary import PREFIXED, leaks, secrets

scrub = Scrubber(bytes(range(32))).scrub

around = st.sampled_from(["%s", "key %s.", "a='%s',b", "(%s)", "x:%s\ny", "“%s”", '{"k":"%s"}'])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OK",
        "invalid x-api-key",
        "Invalid bearer token",
        "x-api-key header is required",
        "Basic authentication is required",
        "The token is expired; refresh the token and try again",
        'Bearer realm="lab", error="invalid_token"',
        "max_tokens: 4096 > 2048, which is the maximum allowed number of output tokens",
        "Anthropic/JS 0.39.0",
        "claude-cli/2.1.88 (external, cli)",
        "task-oriented, risk-averse and desk-bound",
        "claude-3-5-sonnet-20241022",
        "100% of it, %41 too",
        "https://172.30.0.30:10001/v1/messages",
        "***",
        *sorted(PLACEHOLDERS),
        *(f"Incorrect API key provided: {constant}." for constant in sorted(PLACEHOLDERS)),
    ],
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Incorrect API key provided: sk-proj-" + 90 * "*" + "WXYZ. You can find",
            "Incorrect API key provided: <openai-project-key sk-proj- masked>. You can find",
        ),
        ("provided: sk-LABON***************WXYZ.", "provided: <openai-api-key sk- masked>."),
        ("provided: LABONLYX*******WXYZ.", "provided: <unknown masked>."),
        ("the key AIzaLABO...WXYZ is", "the key <google-api-key AIza masked> is"),
        ("the key sk-ant-api03-LAB\u2026XYZ", "the key <anthropic-api-key sk-ant-api03- masked>"),
    ],
)
def test_a_masked_echo_is_still_an_echo(text: str, shown: str) -> None:
    assert scrub(text) == shown


def test_the_masked_echo_of_a_placeholder_is_evidence_and_stays() -> None:
    echo = "Incorrect API key provided: sk-place****************roxy."
    assert scrub(echo) == echo


@given(st.sampled_from(sorted(PREFIXED)), secrets, around)
def test_a_documented_prefix_gives_a_key_away_anywhere(prefix: str, secret: str, form: str) -> None:
    shown = scrub(form % (prefix + secret))
    assert leaks(secret, shown) == []
    assert PREFIXED[prefix] in shown


@given(
    st.sampled_from(
        [
            "Authorization: Bearer %s",
            "authorization=%s",
            '"x-api-key": "%s"',
            '{\\"x-api-key\\":\\"%s\\"}',
            "Cookie: %s",
            "https://h/p?key=%s",
            "https://h/p?a=b&access_token=%s&c=d",
            "https%%3A%%2F%%2Fh%%2Fp%%3Fapi_key%%3D%s%%26c",
            "https://user:%s@h/p",
            "https://%s@h/p",
            "sent Bearer %s to",
            "eyJhbGciOiJub25lIn0.eyJ%s.LAB",
        ]
    ),
    secrets,
)
def test_words_that_announce_a_credential_hide_what_follows(form: str, secret: str) -> None:
    assert leaks(secret, scrub(form % secret)) == []


@given(st.sampled_from(sorted(PREFIXED)), secrets, st.integers(1, 2))
def test_percent_escapes_hide_no_key(prefix: str, secret: str, times: int) -> None:
    text = "".join(f"%{ord(letter):02X}" for letter in prefix) + secret
    for _ in range(times - 1):
        text = quote(text)
    assert leaks(secret, scrub(f"/path/{text}/more")) == []


def test_basic_is_told_from_the_word_basic_by_decoding_it() -> None:
    assert "dXNlcjpw" not in scrub("Basic dXNlcjpwYXNz was refused")
    assert scrub("basic credentials") == "basic credentials"


def test_the_same_key_has_the_same_fingerprint_in_all_texts() -> None:
    one, other = scrub("sk-ant-api03-LABONLYx"), scrub("key sk-ant-api03-LABONLYx.")
    assert other == f"key {one}."


@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(
                [*PREFIXED, "Bearer ", "key=", "token ", "://", "@", "***", "%3D", "<"]
            ),
            secrets,
        ),
        max_size=8,
    ).map("".join)
)
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    assert scrub(scrub(text)) == scrub(text)


def test_a_masked_key_that_is_announced_is_not_learnt_as_one() -> None:
    text = "key=***ZPZEHUXXFXHV-LABONLY-sk-ant-api03-***sk-ant-api03-ghs_"
    fresh = Scrubber(b"made up")
    assert fresh.scrub(text) == fresh.scrub(text) == "key=<unknown masked>"


@given(st.text(max_size=200))
def test_nothing_captured_raises(text: str) -> None:
    scrub(text)
    scrub(text + "\ud800 sk-ant-\udfff")


@given(st.text(alphabet="%0123456789abcdefABCDEFxyz \xe9\u2026", max_size=40))
def test_escapes_are_undone_as_urllib_does(text: str) -> None:
    if text.isascii():
        assert unescaped(text) == unquote(text, "latin-1")
    assert unescaped("%%%zz%4") == "%%%zz%4"


def test_a_label_holds_no_key_whatever_prefix_it_names() -> None:
    scrubber = Scrubber(bytes(32))
    scrubber.learn(Secret(b"sk-ant-api03-MadeUp5x7QpZr9TnW2"))

    for shown in (
        "<anthropic-api-key sk-ant-api03- 31 bytes 0123456789ab>",
        "Bearer <anthropic-api-key sk-ant-api03- 31 bytes 0123456789ab>",
        "<31 bytes 0123456789ab>",
    ):
        assert not scrubber.holds_learnt(shown)
    assert scrubber.holds_learnt("<anthropic-api-key sk-ant-api03-MadeUp5x7QpZr 31 bytes>")


def test_a_text_in_the_form_of_a_label_is_looked_at_where_it_is_no_word_of_ours() -> None:
    scrubber = Scrubber(bytes(32))
    scrubber.learn(Secret(b"beefcafe0123babefeed5a5a"))  # of hexadecimal digits, as Azure's are

    assert scrubber.holds_learnt("<azure-key 32 bytes cafe0123babe>")
    assert not scrubber.holds_learnt("<azure-key 32 bytes 0123456789ab>")
    assert scrubber.holds_learnt("<beefcafe0123babefeed 32 bytes 0123456789ab>")
