"""Letters that stand together as in words, and those that chance put together."""

from __future__ import annotations

import random
import string

import pytest

from inspector.secrets.letters import LONGEST, is_word
from tools.letters import table


@pytest.mark.parametrize(
    "word",
    ["authentication", "is", "the", "misconfigured", "overloaded", "organization", "rhythm"],
)
def test_a_word_is_one(word: str) -> None:
    assert is_word(word)


@pytest.mark.parametrize("letters", ["", "a", "qwrtz", "xkcdqj", "e" * (LONGEST + 1)])
def test_other_letters_are_none(letters: str) -> None:
    assert not is_word(letters)


@pytest.mark.parametrize(("length", "share"), [(4, 0.14), (8, 0.015), (12, 0.003), (20, 0.001)])
def test_few_letters_by_chance_are_a_word(length: int, share: float) -> None:
    chance = random.Random(length)
    drawn = ("".join(chance.choices(string.ascii_lowercase, k=length)) for _ in range(10_000))
    assert sum(map(is_word, drawn)) <= share * 10_000


def test_the_table_has_the_letters_of_each_word_and_its_ends() -> None:
    bits = table(["ab", "it's", "Abc"])
    assert sum(byte.bit_count() for byte in bits) == 2  # `ab and ab`
