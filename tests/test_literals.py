"""Where one of a few short texts stands first."""

from __future__ import annotations

from typing import Protocol
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.literals import Literals
from inspector.native.used import USED
from tests.flows.build import native_core

texts = st.binary(max_size=60).map(lambda data: bytes(97 + byte % 4 for byte in data))
words = st.lists(texts.filter(lambda text: 2 <= len(text) <= 15), min_size=1, max_size=6)


class First(Protocol):
    """`Literals.first`."""

    def __call__(self, text: bytes, start: int = 0) -> int: ...


def both(*literals: bytes) -> tuple[First, First]:
    """With the compiled core, and without it."""
    found = Literals(literals)

    def with_core(text: bytes, start: int = 0) -> int:
        with patch.object(USED, "core", native_core()):
            return found.first(text, start)

    def without(text: bytes, start: int = 0) -> int:
        with patch.object(USED, "core", None):
            return found.first(text, start)

    return with_core, without


@given(words, texts, st.integers(0, 70))
def test_both_engines_find_the_place_that_looking_for_each_finds(
    literals: list[bytes], text: bytes, start: int
) -> None:
    places = [place for literal in literals if (place := text.find(literal, start)) >= 0]
    expected = min(places, default=-1)

    assert [first(text, start) for first in both(*literals)] == [expected] * 2


@pytest.mark.parametrize("literals", [[b"a" * 16], [b"%02d" % n for n in range(40)]])
def test_what_the_compiled_core_has_no_room_for_is_found_all_the_same(
    literals: list[bytes],
) -> None:
    assert [first(b"...." + literals[-1]) for first in both(*literals)] == [4, 4]


def test_bytes_that_are_special_in_patterns_are_only_bytes() -> None:
    for first in both(b".*", b"[a"):
        assert first(b"abc[a.*") == 3
        assert first(b"abc[a.*", 4) == 5
        assert first(b"abc") == -1
