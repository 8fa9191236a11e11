"""A glance that says no is right: the pattern it stands for finds nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.credentials import finding
from inspector.credentials import prefilter as glance

#: One of these stands in every text in which a pass can find something.
SUSPECT = re.compile(
    r"sk[-_]|gh[a-z]_|github_|AIza|AQ\.|AKIA|ASIA|eyJ|ya29|xox|tid=|JQQJ9"
    r"|bearer|basic|token|key|auth|cookie|secret|pass|sig|://|\*\*\*|%",
    re.IGNORECASE,
)
#: Pieces that keys, their names and their masks are made of, whole and cut.
PIECES = [
    *("sk-", "sk_", "SK-ant-", "sk-proj-", "ghp_", "ghX_", "gh", "github_pat_", "AIza", "AQ."),
    *("Ab", "AKIA", "asia", "ASIA", "eyJ", "ya29", ".", "xox", "b-", "tid=", "JQQJ9", "a" * 52),
    *("b" * 27, "Bearer", "basic", "TOKEN", "token", "key", "api-key"),
    *("x-api-key", "Authorization", "cookie", "set-cookie", "secret"),
    *("client_secret", "password", "sig"),
    *("Signature", "x-amz-credential", "openai-insecure-api-key.", "=", ":", "%3A", "%3d"),
    *('"', "'", "\\", " ", "\t", "\n", "\f"),
    *("%20", "+", "://", "user", "@", "***", "...", "…", "•••"),
    *("%", "abcDEF123456", "é", "\u017f", "\u212a"),
    *("\u0130", "\u0131", "0123456789ABCDEFGHIJ"),
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def finds(pattern: str, text: str) -> bool:
    """Whether a pattern of `finding` finds something that is no label of ours."""
    compiled = getattr(finding, pattern)
    return any(
        not ("label" in compiled.groupindex and match["label"]) for match in compiled.finditer(text)
    )


@given(texts)
def test_a_text_without_suspicion_holds_nothing_suspect(text: str) -> None:
    if not glance.is_suspect(text, text.lower()):
        assert SUSPECT.search(text) is None
    elif text.isascii():
        assert SUSPECT.search(text) is not None


@given(texts)
def test_what_cannot_be_found_at_a_glance_is_not_found_by_its_pattern(text: str) -> None:
    low = text.lower()
    for says_maybe, pattern in (
        (glance.may_be_shaped(text), "_SHAPES"),
        (glance.may_be_announced(low), "_ANNOUNCED"),
        (glance.may_name_a_scheme(low), "_SCHEME"),
        (glance.may_hold_a_mask(text), "MASK"),
    ):
        if not says_maybe:
            assert not finds(pattern, text), pattern


@pytest.mark.parametrize(
    "text",
    [
        "authorization: Bearer made-up-key", "x-api-key=made-up", "?key=made-up",
        '"token": "made-up"',
        "openai-insecure-api-key.made-up", "X-Amz-Signature=0123456789", "password%3Dmade-up",
        'authorization"  :x', "Basic\tdXNlcjpwYXNz", "token%20made-up-0123456789",
        "sk-ant-made-up", "gho_made_up", "eyJmYWtlLWtleQ", "ya29.made-up", "AQ.Abmade-up",
    ],
)  # fmt: skip
def test_a_text_in_which_a_pattern_finds_a_key_is_looked_at(text: str) -> None:
    low = text.lower()
    patterns = {
        "_SHAPES": glance.may_be_shaped(text),
        "_ANNOUNCED": glance.may_be_announced(low),
        "_SCHEME": glance.may_name_a_scheme(low),
    }
    assert glance.is_suspect(text, low)
    assert all(maybe for pattern, maybe in patterns.items() if finds(pattern, text))
    assert any(patterns.values())


def test_ordinary_words_around_tokens_need_no_second_look() -> None:
    text = 'data: {"usage": {"output_tokens": 12}, "text": "monkeys pass signals"}'
    low = text.lower()

    assert not glance.may_be_announced(low)
    assert not glance.may_be_shaped(text)
    assert not glance.may_name_a_scheme(low)
