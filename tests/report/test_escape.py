from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.report.page.escape import clipped, defused, visible


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain text, [red] and all", "plain text, [red] and all"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b31m", r"\x9b31m"),
        ("line\r\nline\ttab\x00\x7f", r"line\r\nline\ttab\x00\x7f"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("\u2066isolated\u2069", r"\u2066isolated\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\u05d0\u05d1", r"\u05d0\u05d1"),
        ("a\u0301", r"a\u0301"),
        ("back\\slash", r"back\\slash"),
        ("na\u00efve \u4e2d", "na\u00efve \u4e2d"),
        ("half \ud800", r"half \ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_a_character_that_could_act_is_shown_as_its_escape(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


@given(st.text())
def test_whatever_was_captured_what_is_shown_is_printable_and_unambiguous(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert not {unicodedata.bidirectional(c) for c in shown} & {"R", "AL", "AN", "RLO", "LRO"}
    rebuilt = shown.encode("ascii", "backslashreplace").decode("unicode_escape")
    assert rebuilt == text


@given(st.text(), st.integers(3, 100))
def test_clipped_text_keeps_to_its_width(text: str, width: int) -> None:
    assert len(clipped(text, width)) <= width


def test_a_cut_is_marked() -> None:
    assert clipped("abcdefghij", 10) == "abcdefghij"
    assert clipped("abcdefghijk", 10) == "abcdefg..."
    assert clipped("a" * 1000, 10) == "aaaaaaa..."


@pytest.mark.parametrize(
    "line",
    [
        "::set-output name=x::y",
        "   ::stop-commands::x",
        "first\n  ::error::x",
        "\x1b[31m::error::x",
        "text ##[error]x",
    ],
)
def test_no_rendered_line_is_a_workflow_command(line: str) -> None:
    safe = defused(line)
    assert "##[" not in safe
    plain = safe.replace("\x1b[31m", "")
    assert not any(part.lstrip().startswith("::") for part in plain.split("\n"))


def test_an_ipv6_address_within_a_line_stays() -> None:
    assert defused("server fe80::1, [::1]:443") == "server fe80::1, [::1]:443"
