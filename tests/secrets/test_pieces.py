"""A key that is written in pieces, each of which has the form of a word."""

from __future__ import annotations

import random
import string

import pytest

from inspector.secrets.grammar import HOSTS, MEDIA, NAMES, PRODUCTS, ValueGrammar
from inspector.secrets.grants import GRANTS
from inspector.secrets.pieces import is_in_pieces


def of_chance(letters: str, size: int, count: int, seed: int) -> str:
    chance = random.Random(f"{size} {count} {seed}")
    return "-".join("".join(chance.choices(letters, k=size)) for _ in range(count))


def left_of(grammar: ValueGrammar, key: str) -> bool:
    """Whether twelve characters of a key are shown."""
    text = f"lab/{key}"
    for start, stop in reversed(grammar.hidden(text)):
        text = text[:start] + "#" + text[stop:]
    return any(key[at : at + 12] in text for at in range(len(key) - 11))


@pytest.mark.parametrize("name", ["user-agent", "anthropic-beta", "server", "connection", "allow"])
@pytest.mark.parametrize("letters", [string.ascii_lowercase, string.ascii_uppercase])
@pytest.mark.parametrize(("size", "count"), [(4, 5), (5, 5), (6, 4), (8, 3)])
def test_of_a_hundred_keys_in_pieces_few_are_taken_for_names(
    name: str, letters: str, size: int, count: int
) -> None:
    grammar = GRANTS[name.encode()].grammar
    keys = [of_chance(letters, size, count, seed) for seed in range(200)]
    assert sum(left_of(grammar, key) for key in keys) <= 4


@pytest.mark.parametrize(
    ("grammar", "text"),
    [
        (HOSTS, "ab.chatgpt.com:443"),
        (HOSTS, "sandbox.kaazing.net"),
        (NAMES, "ggml-org/gpt-oss-20b-GGUF"),
        (NAMES, "qwen2-vl-7b-instruct"),
        (PRODUCTS, "os/linux#6.12.48-0-amd64"),
        (PRODUCTS, "md/pyimpl#CPython"),
        (PRODUCTS, "mod_auth_pgsql/2.0.3"),
        (MEDIA, "application/vnd.amazon.eventstream"),
    ],
)
def test_a_name_with_a_word_that_nobody_knows_is_none(grammar: ValueGrammar, text: str) -> None:
    assert grammar.hidden(text) == []


def test_an_enumerated_word_of_a_body_is_none_either() -> None:
    assert is_in_pieces("rzhx-ztrv-ftjv-lpuy-kdin")
    assert is_in_pieces("glsi_okgs_wpon.cume")
    assert not is_in_pieces("invalid_request_error")
    assert not is_in_pieces("response.function_call_arguments.delta")
