"""Error pages in a copy: blank, but for the signature by which the report knows their author.

The signatures are those of `protocols/pages.py`.  Of a stretch that matches one stay the
words of the signature itself, short numbers and punctuation; whatever else may stand in it
is blank, and it matches as before.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from inspector.protocols.pages import PAGE_LIMIT, SIGNATURES
from inspector.redaction.blanks import Blank
from inspector.regex import regex

_WORD: Final = regex(rb"[0-9A-Za-z\x80-\xff]+")
#: A part of a version, a status, a port.
_NUMBER: Final = regex(rb"[0-9]{1,5}")
#: A letter in either case, in a pattern; what is no word of it.
_EITHER: Final = regex(rb"\[([A-Z])[a-z]\]")
_SYNTAX: Final = regex(rb"\\[sSd]|\[[^\]]*\]|\{[^}]*\}")


def _words(pattern: bytes) -> frozenset[bytes]:
    """The words that a signature consists of, in small letters."""
    text = _SYNTAX.sub(b" ", _EITHER.sub(rb"\1", pattern))
    return frozenset(word.lower() for word in _WORD.findall(text))


_WORDS: Final = tuple((shape, _words(shape.pattern)) for _, shape in SIGNATURES)


class PageBody:
    """Hides an error's HTML page (a `bodies.BodyMasker`)."""

    def __init__(self) -> None:
        self.changed = False
        self._start: bytes | None = b""
        self._rest = Blank()

    def feed(self, data: bytes) -> bytes:
        """See `bodies.BodyMasker`."""
        if self._start is None:
            return self._noted(self._rest.feed(data))
        self._start += data
        return self._decide() if len(self._start) >= PAGE_LIMIT else b""

    def flush(self) -> bytes:
        """See `bodies.BodyMasker`."""
        return self._decide() + self._noted(self._rest.flush())

    finish = flush

    def gap(self) -> None:
        """See `bodies.BodyMasker`.  Nobody reads a page of which something is missing."""
        self._start = None

    def _decide(self) -> bytes:
        start, self._start = self._start, None
        if start is None:
            return b""
        signature = _signature(start)
        if signature is None:
            return self._noted(self._rest.feed(start))
        at, kept = signature
        shown = self._rest.feed(start[:at]) + self._rest.flush() + kept
        return self._noted(shown + self._rest.feed(start[at + len(kept) :]))

    def _noted(self, shown: bytes) -> bytes:
        self.changed = self.changed or bool(shown)
        return shown


def _signature(page: bytes) -> tuple[int, bytes] | None:
    """Where the signature of a page stands, and what may stand there; None: it has none."""
    start = page[:PAGE_LIMIT]
    for shape, words in _WORDS:
        found = shape.search(start)
        if found is not None:
            kept = _WORD.sub(partial(_word, words), found[0])
            return (found.start(), kept) if shape.search(kept) else None
    return None


def _word(words: frozenset[bytes], word: re.Match[bytes]) -> bytes:
    is_known = word[0].lower() in words or _NUMBER.fullmatch(word[0])
    return word[0] if is_known else b"x" * len(word[0])
