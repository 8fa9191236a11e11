"""Which words in a request's body are taken for real keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.credentials.body_keys import BodyKeys, is_prefix
from inspector.secrets.constants import PLACEHOLDERS

REAL = "sk-ant-api03-LABONLY" + 73 * "k" + "AA"
KEYS = {
    REAL: "sk-ant-api03-",
    "sk-proj-LABONLY0123456789abcdef": "sk-proj-",
    "ghp_LABONLY0123456789abcdefghijklmnop": "ghp_",
    "github_pat_11LABONLY0_abcdefghijklmnop": "github_pat_",
    "AIzaLABONLY0123456789abcdefghijklmnop": "AIza",
    "AKIALABONLY012345678": "AKIA",
    "sk-LABONLY0123456789abcdef": "sk-",
}


def searched(*pieces: bytes) -> BodyKeys:
    keys = BodyKeys()
    for piece in pieces:
        keys.feed(piece)
    keys.finish()
    return keys


@pytest.mark.parametrize(("key", "prefix"), KEYS.items())
@pytest.mark.parametrize("around", ['{"a":"%s"}', "KEY=%s\n", r"\n%s\n", "see %s.", "%s"])
def test_a_key_is_found_by_its_prefix_and_nothing_else_of_it_is_kept(
    key: str, prefix: str, around: str
) -> None:
    keys = searched((around % key).encode())
    assert keys.prefix == prefix
    assert is_prefix(prefix)
    assert "LABONLY" not in repr([getattr(keys, name) for name in ("prefix", "whole")])


@pytest.mark.parametrize(
    "text",
    [
        "a task-LABONLY0123456789abcdef0123", "sk-ant-api03-...", "sk-ant-api03-" + "x" * 80,
        "sk-ant-api03-YOUR_API_KEY_GOES_HERE_123", "sk-proj-example0123456789abcdef",
        "ghp_" + "a" * 36, "sk-learn-is-a-package-of-python", "sk-LABONLYwithoutanydigits",
        "sk-ant-short", "AKIALABONLY01234567890123", "AKIAlower0123456789",
        "sk-ant-api03-xxxxxxxxxxxxxxxxxxxxxx12345678", "sk-ant-api03-LABONLY[REDACTED]",
        *PLACEHOLDERS,
    ],
)  # fmt: skip
def test_documentation_placeholders_and_masks_are_none(text: str) -> None:
    assert searched(f'{{"text":"{text}"}}'.encode()).prefix is None


@given(st.integers(0, 3000), st.lists(st.integers(1, 700), max_size=12))
def test_however_the_body_is_cut_the_key_is_found(before: int, cuts: list[int]) -> None:
    text = b" " * before + REAL.encode() + b" " * 700
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(text[at : at + cut])
        at += cut
    assert searched(*pieces, text[at:]).prefix == "sk-ant-api03-"


def test_byte_by_byte_is_whole() -> None:
    text = b'{"a":"' + REAL.encode() + b'"}'
    assert searched(*(text[at : at + 1] for at in range(len(text)))).prefix == "sk-ant-api03-"


def test_a_key_is_not_joined_across_a_gap_and_the_body_counts_as_not_searched() -> None:
    keys = BodyKeys()
    keys.feed(b" " + REAL[:20].encode())
    keys.gap()
    keys.feed(REAL[20:].encode())
    keys.finish()
    assert (keys.prefix, keys.whole) == (None, False)


def test_a_mask_long_enough_for_a_key_is_told() -> None:
    assert searched(b'{"a":"' + b"x" * 20 + b'"}').is_masked
    assert not searched(b'{"a":"' + b"x" * 19 + b'"}').is_masked
