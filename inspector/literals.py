"""Where one of a few short texts stands first in a long one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ctypes import pointer
from typing import Final

from inspector.native.layout import LITERALS, LONGEST_LITERAL, LiteralTable
from inspector.native.used import USED
from inspector.regex import regex


class Literals:
    """Texts that are looked for together, at the speed of one pass over what is searched.

    Two bytes each at least; the compiled core takes 32 of up to 15 bytes, what is more or
    longer is looked for with a pattern.
    """

    __slots__ = ("_finder", "_pattern")

    def __init__(self, texts: Iterable[bytes]) -> None:
        texts = tuple(texts)
        self._pattern: Final = regex(b"|".join(map(re.escape, texts)))
        fit = len(texts) <= LITERALS and all(2 <= len(text) <= LONGEST_LITERAL for text in texts)
        # A pointer, since ctypes would make one for each call.
        self._finder = pointer(_finder(texts)) if fit else None

    def first(self, text: bytes, start: int = 0) -> int:
        """The first place at or behind `start` where one of them begins; -1: there is none."""
        core = USED.core
        if core is not None and self._finder is not None:
            place: int = core.first(self._finder, text, len(text), start)
            return place
        found = self._pattern.search(text, start)
        return found.start() if found else -1


def _finder(texts: Sequence[bytes]) -> LiteralTable:
    finder = LiteralTable()
    finder.count = len(texts)
    for place, text in zip(finder.literals, texts, strict=False):
        place.length = len(text)
        place.text[: len(text)] = text
        pair = text[0] << 8 | text[1]
        finder.pairs[pair >> 3] |= 1 << (pair & 7)
    return finder
