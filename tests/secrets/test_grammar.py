"""Which words of a value may be shown."""

from __future__ import annotations

import random
import string

import pytest

from inspector.secrets.grammar import (
    DATES,
    HOSTS,
    LONGEST,
    MEDIA,
    NAMES,
    NOTHING,
    NUMBERS,
    PRODUCTS,
    ValueGrammar,
)

GRAMMARS = {
    "products": PRODUCTS, "names": NAMES, "hosts": HOSTS, "media": MEDIA, "dates": DATES,
    "numbers": NUMBERS,
}  # fmt: skip


def shown(grammar: ValueGrammar, text: str) -> str:
    for start, stop in reversed(grammar.hidden(text)):
        text = text[:start] + "#" + text[stop:]
    return text


@pytest.mark.parametrize(
    ("grammar", "text"),
    [
        (PRODUCTS, "claude-cli/2.1.88 (external, sdk-cli)"),
        (PRODUCTS, "codex_exec/0.171.0 (Debian 12.0.0; x86_64) unknown (codex_exec; 0.171.0)"),
        (PRODUCTS, "OpenAI/Python 3.54.0"),
        (PRODUCTS, "Boto3/1.44.8 md/Botocore#1.44.8 os/linux#6.12.48-0-amd64 m/Z,g,E,b,N"),
        (NAMES, "claude-code-20250219,interleaved-thinking-2025-05-14,context-1m-2025-08-07"),
        (NAMES, "gpt-4o-mini"),
        (HOSTS, "generativelanguage.googleapis.com:443"),
        (HOSTS, "[fd00:172:30::30]:10001"),
        (MEDIA, "text/event-stream; charset=utf-8"),
        (DATES, "Sat, 28 Nov 2026 17:00:00 GMT"),
        (DATES, "2026-11-23T18:41:01.494Z"),
        (NUMBERS, "NOT_GIVEN"),
    ],
)
def test_what_programs_and_apis_send_is_granted_whole(grammar: ValueGrammar, text: str) -> None:
    assert grammar.hidden(text) == []


@pytest.mark.parametrize("name", GRAMMARS)
@pytest.mark.parametrize("letters", [string.ascii_letters, string.ascii_letters + string.digits])
@pytest.mark.parametrize("length", [20, 32, 40, 108])
def test_a_key_of_chance_leaves_no_twelve_bytes(name: str, letters: str, length: int) -> None:
    chance = random.Random(f"{name} {length}")
    for _ in range(300):
        key = "".join(chance.choices(letters, k=length))
        left = shown(GRAMMARS[name], f"word {key} word")
        assert [key[at : at + 12] for at in range(length - 11) if key[at : at + 12] in left] == []


def test_an_id_is_hidden_though_its_pieces_look_like_words() -> None:
    for text in ("5f3c1a52-0b8f-4d0a-9a52-5e5a2b9d7c11", "0000000000001a", "abc4def5abcd4bca"):
        assert shown(PRODUCTS, f"a {text} b") == "a # b"


def test_of_an_item_everything_between_hidden_words_is_hidden() -> None:
    assert shown(PRODUCTS, "lab/aB1cD2eF/word/gH3iJ4kL/lab, two") == "lab/#/lab, two"


def test_a_mask_is_hidden_again_and_its_like_among_words_is_not() -> None:
    assert shown(PRODUCTS, "xxxxxxxxxx12345678 xx12 xxx \xbf") == "# # # #"
    assert shown(PRODUCTS, "x64 x86 X x-api-key") == "x64 x86 X x-api-key"


def test_percent_encoded_punctuation_joins_words_and_letters_are_not_decoded() -> None:
    assert NAMES.hidden("anthropic.claude-3-sonnet-20240229-v1%3A0") == []
    assert shown(NAMES, "%61%62%63") == "#"


def test_nothing_grants_no_word_and_text_of_no_end_is_hidden_whole() -> None:
    assert NOTHING.hidden("a word") == [(0, 1), (2, 6)]
    assert PRODUCTS.hidden("a " * LONGEST) == [(0, 2 * LONGEST)]
    assert PRODUCTS.hidden("") == []
