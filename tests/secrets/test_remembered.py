"""What is remembered is what was shown whole, and no more of it than is bounded."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.secret import Secret
from inspector.secrets import free_text
from inspector.secrets.grammar import DATES, HOSTS, MEDIA, NAMES, NUMBERS, PRODUCTS, ValueGrammar
from inspector.secrets.remembered import ENTRIES, LONGEST_TEXT, Whole, remembers
from inspector.secrets.vault import Vault

GRAMMARS = (DATES, HOSTS, MEDIA, NAMES, NUMBERS, PRODUCTS)
KEY = "sk-ant-api03-LABONLY" + 40 * "q7Zx"
TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["claude-cli/2.1.88", "gzip, br", "x-request-id", "application/json", KEY]),
)


def held(of: object) -> set[str]:
    """The texts that a rule remembers."""
    whole = of._whole if isinstance(of, ValueGrammar) else of.__closure__  # type: ignore[attr-defined]
    if not isinstance(whole, Whole):
        [whole] = [cell.cell_contents for cell in whole if isinstance(cell.cell_contents, Whole)]
    texts: set[str] = whole._texts
    return texts


@pytest.mark.parametrize("hidden", [free_text.hidden, free_text.hidden_in_name])
@given(text=TEXTS)
def test_a_text_that_was_met_is_judged_as_it_was(hidden: object, text: str) -> None:
    assert callable(hidden)
    first = hidden(text)
    assert hidden(text) == first
    assert (text in held(hidden)) == (not first and len(text) <= LONGEST_TEXT)


@given(text=TEXTS)
def test_so_is_a_value(text: str) -> None:
    for grammar in GRAMMARS:
        first = grammar.hidden(text)
        assert grammar.hidden(text) == first
        assert (text in held(grammar)) == (not first and len(text) <= LONGEST_TEXT)


def test_nothing_that_is_hidden_of_anybody_is_remembered() -> None:
    for text in (KEY, f"claude-cli/2.1.88 {KEY}", "user:J8fkd93jfkq@host"):
        for grammar in GRAMMARS:
            grammar.hidden(text)
            assert text not in held(grammar)
        free_text.hidden(text)
        assert text not in held(free_text.hidden)


def test_a_long_text_is_judged_once_and_remembered_by_its_digest() -> None:
    judged: list[str] = []

    def find(text: str) -> list[tuple[int, int]]:
        judged.append(text)
        return [(0, 1)] if "hide" in text else []

    hidden = remembers(find)
    shown, other = "a word " * LONGEST_TEXT, "hide it " * LONGEST_TEXT
    for _ in range(3):
        assert hidden(shown) == []
        assert hidden(other) == [(0, 1)]
    assert judged == [shown, other, other, other]
    assert held(hidden) == set()


def test_a_sentence_that_is_sent_as_a_key_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    hidden = free_text._hidden

    def counting(text: str) -> Iterator[tuple[int, int]]:
        read.append(text)
        return hidden(text)

    monkeypatch.setattr(free_text, "_hidden", counting)
    prose = b"the model did not answer the request in time, please try it once more " * 9
    vault = Vault(b"made up")
    for _ in range(100):
        assert not vault.learn(Secret(prose))
    assert len(read) <= 1


def test_no_grammar_has_the_memory_of_another() -> None:
    assert PRODUCTS.hidden("claude-cli/2.1.88") == []
    assert NUMBERS.hidden("claude-cli/2.1.88") != []


def test_what_is_remembered_is_bounded() -> None:
    hidden = remembers(lambda _: [])
    for number in range(3 * ENTRIES):
        hidden(str(number))
        hidden(str(number) * LONGEST_TEXT)
    texts = held(hidden)
    assert len(texts) <= ENTRIES
    assert sum(map(sys.getsizeof, texts)) < 300 * ENTRIES
