"""Texts that are shown whole, remembered: the same names and values stand in thousands of heads.

What is remembered is what every report may show as it stands, so that nothing is held back that
somebody hid: a long text by its digest.  A text of which anything is hidden is looked at each time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from typing import Final, TypeAlias

#: Where what may not be shown of a text stands.
_Hidden: TypeAlias = Callable[[str], list[tuple[int, int]]]

#: Texts that one table or rule remembers before it begins anew, and the longest that it has itself.
ENTRIES: Final = 1024
LONGEST_TEXT: Final = 200
_DIGEST: Final = 16


class Whole:
    """The texts of which nothing is hidden by one rule."""

    __slots__ = ("_digests", "_texts")

    def __init__(self) -> None:
        self._texts: set[str] = set()
        #: Of longer texts.
        self._digests: set[bytes] = set()

    def __contains__(self, text: str) -> bool:
        if len(text) <= LONGEST_TEXT:
            return text in self._texts
        return bool(self._digests) and _digest(text) in self._digests

    def add(self, text: str) -> None:
        """Remember a text of which nothing is hidden."""
        if len(self._texts) + len(self._digests) >= ENTRIES:
            self._texts.clear()
            self._digests.clear()
        if len(text) <= LONGEST_TEXT:
            self._texts.add(text)
        else:
            self._digests.add(_digest(text))


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()


def remembers(find: _Hidden) -> _Hidden:
    """The same function, which remembers the texts in which it finds nothing to hide."""
    whole = Whole()

    @wraps(find)
    def hidden(text: str) -> list[tuple[int, int]]:
        if text in whole:
            return []
        found = find(text)
        if not found:
            whole.add(text)
        return found

    return hidden
