"""What stands for text that is not shown."""

from __future__ import annotations

import re

import pytest

from inspector.credentials.kinds import LABEL as CREDENTIAL
from inspector.credentials.kinds import names_a_key
from inspector.secrets.labels import label, length, shortened


def test_a_label_says_how_long_the_text_is_and_tells_equal_ones() -> None:
    shown = label("LABONLY\xe9", b"key")
    assert re.fullmatch(r"<8 bytes [0-9a-f]{12}>", shown)
    assert shown == label("LABONLY\xe9", b"key") != label("LABONLY\xe8", b"key")
    assert shown != label("LABONLY\xe9", b"other")


def test_it_is_not_taken_for_a_credential() -> None:
    shown = label("LABONLY", b"key")
    assert not re.search(CREDENTIAL, shown)
    assert not names_a_key(shown)


def test_the_length_of_a_shown_text_is_that_of_what_it_stands_for() -> None:
    shown = f"/v1/{label('LABONLYqwerty', b'key')}/{label('abcd', b'key')}"
    assert length(shown) == len("/v1/LABONLYqwerty/abcd")
    assert length("plain <words>") == len("plain <words>")


LABEL = "<anthropic-api-key sk-ant-api03- 108 bytes a7b2555d3298>"


@pytest.mark.parametrize("room", range(120))
def test_a_label_stays_whole_or_goes_where_a_text_is_cut(room: int) -> None:
    text = f"the key {LABEL} is bad; and the key {LABEL}"
    shown = shortened(text, room)
    assert len(shown) <= room
    assert text.startswith(shown.rstrip("."))
    assert shown.count("<") == shown.count(LABEL)


def test_of_a_label_alone_the_beginning_stays_and_says_so() -> None:
    assert shortened(LABEL, 24) == "<anthropic-api-key s...>"
    assert shortened(LABEL, len(LABEL)) == LABEL
    assert [len(shortened(LABEL, room)) for room in range(12)] == list(range(12))


def test_what_is_no_label_is_cut_anywhere_and_says_so() -> None:
    assert shortened("a < b and more", 9) == "a < b ..."
    assert shortened("<" + "x" * 500 + ">", 6) == "<xx..."


def test_no_part_of_a_name_stands_as_if_it_were_the_name() -> None:
    assert shortened("api.anthropic.com, api.openai.com", 32) == "api.anthropic.com, api.openai..."
    assert [shortened("api.openai.com", room) for room in (14, 13, 2)] == [
        "api.openai.com",
        "api.openai...",
        "..",
    ]
