"""A text is read as it was meant, and each character knows where it came from."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspector.secrets.writings import undone


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a%20b", "a b"),
        ("a%2520b", "a b"),
        (r"\u0061\u005cn", "a\n"),
        (r"he said \"no\"", 'he said "no"'),
        ("&#97;&#x62;&amp;&quot;", 'ab&"'),
        ("=61=62=63", "abc"),
        ("it\xe2\x80\x99s", "it\u2019s"),
        ("100% of & \\ = it", "100% of & \\ = it"),
        ("port=443", "port=443"),
        ("&unknown; %zz", "&unknown; %zz"),
    ],
)
def test_a_writing_is_undone(written: str, meant: str) -> None:
    assert undone(written).text == meant


def test_what_is_found_is_told_where_it_is_written() -> None:
    text = r"key \u0061b%2563 end"
    meant = undone(text)
    start = meant.text.index("abc")
    assert text[slice(*meant.written(start, start + 3))] == r"\u0061b%2563"


@example("0&#1;")
@example("&#1;0")
@example("a&#1;&#2;b&#3;")
@given(st.text(alphabet="%2561abu\\&#;=0", max_size=60))
def test_places_go_up_and_cover_the_text(text: str) -> None:
    meant = undone(text)
    places = [meant.written(at, at + 1) for at in range(len(meant.text))]
    assert all(
        before[0] <= after[0] and before[1] <= after[1] for before, after in pairwise(places)
    )
    if places:
        assert (places[0][0], places[-1][1]) == (0, len(text))
