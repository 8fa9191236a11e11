"""Keys in pieces: short groups of letters by chance, joined by punctuation (`rzhx-ztrv-ftjv`).

Each of them is too short for a key, and has the form of a word; together they are one.  Passwords
for applications and keys for people are written so.  A name has one word that nobody knows, seldom
two, and short ones then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from inspector.regex import regex
from inspector.secrets.letters import is_word
from inspector.secrets.words import TECHNICAL

#: Pieces that are no words, and their letters together, in what is no name.  Of all values in some
#: 3,000 captures one host has so many (`gwm-ml-a2.wsodqa.com`).
_PIECES: Final = 2
_LETTERS: Final = 8
#: Too short to be told from a word.
_SHORT: Final = 3

_PART: Final = regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORD: Final = regex(r"[A-Za-z0-9]+")


def pieces_of_chance(text: str, words: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the words of an item that are pieces of a key; none where they are a name."""
    found = [(span, odd) for span in words if (odd := _odd_letters(text[slice(*span)]))]
    if len(found) < _PIECES or sum(odd for _, odd in found) < _LETTERS:
        return []
    return [span for span, _ in found]


def is_in_pieces(text: str) -> bool:
    """Whether a text that has the form of joined words is a key in pieces."""
    return bool(pieces_of_chance(text, (match.span() for match in _WORD.finditer(text))))


def _odd_letters(word: str) -> int:
    """How many letters of a word stand in parts that are built as no word is."""
    if word.lower() in TECHNICAL:
        return 0
    parts = [part.lower() for part in _PART.findall(word)]
    return sum(
        len(part)
        for part in parts
        if len(part) >= _SHORT and part not in TECHNICAL and not is_word(part)
    )
