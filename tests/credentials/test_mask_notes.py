"""What a redacted capture's comments say of its credentials, and what they cannot."""

from __future__ import annotations

import pytest

from inspector.credentials.mask_notes import _MASK, MaskNote, read, written
from inspector.credentials.reader import CredentialReader
from inspector.model.credentials import Credential

SAID = "inspector:redacted v1 name=X-Api-Key kind=azure-key length=5 value=0123456789ab"
MASKED = (b"X-Api-Key", b" 12345")


def reader(*comments: str) -> CredentialReader:
    made = CredentialReader(b"lab")
    for text in comments:
        made.claims.note(7, text)
    return made


def test_what_is_written_is_read() -> None:
    credential = Credential(
        "anthropic-api-key", "sk-ant-api03-", 108, "f" * 12, None, ("trailing-space", "quoted")
    )
    assert read(written("?k y", credential, "0123456789ab")) == MaskNote(
        "?k y", "anthropic-api-key", "sk-ant-api03-", 108, ("trailing-space", "quoted"),
        "0123456789ab",
    )  # fmt: skip


def test_a_masked_value_is_what_its_comment_says() -> None:
    [header] = reader(SAID).auth([MASKED], packet=7)
    assert header.credential.kind == "azure-key"


def test_short_values_that_were_different_have_different_fingerprints() -> None:
    both = reader(SAID, SAID.replace("0123", "4567"))
    [first] = both.auth([MASKED], packet=7)
    [second] = both.auth([MASKED], packet=7)
    assert first.credential.fingerprint != second.credential.fingerprint


def test_a_comment_on_another_packet_says_nothing() -> None:
    assert reader(SAID).auth([MASKED], packet=8) == reader().auth([MASKED], packet=8)


@pytest.mark.parametrize(
    "value", [b" LABON", b" sk-ant-placeholder-key-for-credential-isolation", b" ", b" 123456"]
)
def test_a_comment_is_believed_of_a_mask_of_its_length_alone(value: bytes) -> None:
    field = (b"X-Api-Key", value)
    assert reader(SAID).auth([field], packet=7) == reader().auth([field], packet=7)


@pytest.mark.parametrize(
    "lie",
    [
        SAID.replace("v1", "v2"),
        SAID.replace("azure-key", "placeholder"),
        SAID.replace("azure-key", "<b>"),
        SAID.replace("value=0123456789ab", "value=LABONLY"),
        SAID.replace("length=5", "length=-5"),
        SAID.replace("length=5", "length=" + 5000 * "5"),
        SAID + " prefix=sk-LABONLY",
        SAID + " anomalies=quoted,bold",
        "inspector:redacted ",
        "inspector:redacted v1 = ==",
    ],
)
def test_a_lie_claims_nothing(lie: str) -> None:
    assert read(lie) is None


def test_a_long_fill_with_something_else_behind_it_costs_one_look_at_each_character() -> None:
    # Where parts of a pattern may share characters, a failed look tries each way to share them.
    assert _MASK.fullmatch(b"x" * 60_000 + b"!") is None
    assert _MASK.fullmatch(b"x" * 60_000 + b"12345678") is not None
