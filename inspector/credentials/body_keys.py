"""Keys of a real key's form in the body of a request, which is searched as it passes.

A prompt may quote anything, documentation and placeholders among it.  So a key is taken for
real only where a documented prefix begins a word and twenty characters follow it, of which
six differ, and none of the words by which people write an example.  Nothing of a key is
kept but its prefix.
"""

from __future__ import annotations

from typing import Final

from inspector.literals import Literals
from inspector.regex import regex
from inspector.secrets.constants import PLACEHOLDERS, PREFIXES

#: Bytes of one request's body that are searched; the API proxy takes 10 MB.
SEARCH_LIMIT: Final = 16 << 20
#: Characters behind a prefix, and how many of them differ, in a key that is taken for real.
LENGTH: Final = 20
DIFFERENT: Final = 6
#: Bytes that are searched at once; of these, at the end, what may go on in the next ones.
_AT_ONCE: Final = 32 << 10
_KEPT: Final = 512

_WORD: Final = regex(rb"[A-Za-z0-9_\-]*")
_AWS: Final = regex(rb"[A-Z0-9]{16}(?![A-Za-z0-9])")
_BARE: Final = regex(rb"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{20,}")
#: Words of people who write an example, and a mask.
_EXAMPLE: Final = regex(rb"(?i:example|placeholder|your|redacted|dummy|xxxx|\.\.\.)")
#: Bytes that make a word: a key begins behind none of them, but for an escape of JSON.
_OF_WORDS: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-")
_ESCAPES: Final = frozenset({rb"\n", rb"\r", rb"\t", rb"\b", rb"\f"})
#: A copy's mask where a key may have stood: of what is blank (`x` alone), or the body of
#: `credentials/masks.py`, whose letters fill up to the eight digits of its number.
_MASK: Final = regex(rb"x{%d}|(?:x{8}|X{8})[0-9]{8}" % LENGTH)
#: What each of them has in it, found faster.
_LOWER_MASK: Final = b"x" * 8
_UPPER_MASK: Final = b"X" * 8

_PLACEHOLDERS: Final = frozenset(text.encode() for text in PLACEHOLDERS)
_PREFIXES: Final = tuple(dict.fromkeys(prefix.encode() for _, prefix in PREFIXES))
_LONGEST_FIRST: Final = tuple(sorted(_PREFIXES, key=len, reverse=True))
#: How prefixes begin: what is looked for in each piece.
_ANY: Final = Literals(
    prefix
    for prefix in _PREFIXES
    if not any(prefix != other and prefix.startswith(other) for other in _PREFIXES)
)
#: Prefixes whose keys have one form.
_FORMS: Final = {b"AKIA": _AWS, b"ASIA": _AWS, b"sk-": _BARE}
_KNOWN: Final = frozenset(prefix.decode() for prefix in _PREFIXES)


def is_prefix(text: str) -> bool:
    """Whether a text is a documented prefix of keys."""
    return text in _KNOWN


class BodyKeys:
    """The search of one body, piece by piece.

    `prefix`: that of the first key found.  `whole`: every byte of the body was searched.
    `is_masked`: a mask long enough for a key stands in it.
    """

    __slots__ = ("_pieces", "_size", "is_masked", "prefix", "whole")

    def __init__(self) -> None:
        self.prefix: str | None = None
        self.whole = True
        self.is_masked = False
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= _AT_ONCE:
            text = b"".join(self._pieces)
            self._search(text, len(text) - _KEPT)
            # A key that begins in what is kept may need the bytes before it to be told.
            self._pieces = [text[-_KEPT - 2 :]]
            self._size = 0

    def gap(self) -> None:
        """Bytes are missing, or are not searched."""
        self.finish()
        self.whole = False

    def finish(self) -> None:
        """Nothing more comes, or nothing that what is here goes on in."""
        text = b"".join(self._pieces)
        self._search(text, len(text))
        self._pieces.clear()
        self._size = 0

    def _search(self, text: bytes, before: int) -> None:
        """Look for a key that begins before this place; one behind it may not be whole."""
        # Not `in`, which writes an error first (`messages.LF`).
        if not self.is_masked and (text.find(_LOWER_MASK) >= 0 or text.find(_UPPER_MASK) >= 0):
            self.is_masked = _MASK.search(text) is not None
        if self.prefix is not None:
            return
        at = _ANY.first(text)
        while 0 <= at < before:
            if _begins_a_word(text, at):
                prefix = next(each for each in _LONGEST_FIRST if text.startswith(each, at))
                if _is_real(text, prefix, at):
                    self.prefix = prefix.decode()
                    return
            at = _ANY.first(text, at + 1)


def _begins_a_word(text: bytes, at: int) -> bool:
    return not at or text[at - 1] not in _OF_WORDS or text[at - 2 : at] in _ESCAPES


def _is_real(text: bytes, prefix: bytes, at: int) -> bool:
    begin = at + len(prefix)
    form = _FORMS.get(prefix)
    if form is not None and not form.match(text, begin):
        return False
    word = _WORD.match(text, begin)
    rest = b"" if word is None else word[0]
    if form is not _AWS and len(rest) < LENGTH:
        return False
    return (
        len(set(rest)) >= DIFFERENT
        and prefix + rest not in _PLACEHOLDERS
        and not _EXAMPLE.search(prefix + rest)
    )
