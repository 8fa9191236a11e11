"""Nothing that was typed is said again, unless it is a plain name, address or number.

A key gets onto a command line by mistake: `--auth-header 'X-Api-Key: sk-...'`,
`--squid http://user:password@host`.  Whoever reports a usage error, here or in
click, quotes what was wrong; so every sentence passes here on its way out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from inspector.errors import NOT_SHOWN, is_plain_word
from inspector.regex import regex

#: What was typed: the words of this run.
_TYPED: ContextVar[tuple[str, ...]] = ContextVar("typed", default=())

#: At what a word is taken apart by those who quote a part of it.
_JOINTS: Final = regex(r"[=:@,\s\[\]]+")
#: A part shorter than this stands in sentences by itself.
_PART: Final = 6


def typed(words: Sequence[str]) -> None:
    """Remember the words of a command line."""
    _TYPED.set(tuple(words))


def discreet(text: str) -> str:
    """`text` without typed words that may be secret, whole or in parts."""
    secret = {part for word in _TYPED.get() for part in _secret_parts(word)}
    for part in sorted(secret, key=len, reverse=True):
        for written in {part, repr(part)[1:-1]}:
            text = text.replace(written, NOT_SHOWN)
    return text


def _secret_parts(word: str) -> Iterator[str]:
    """The word and its parts, as far as they are not plain."""
    if word.startswith("-"):
        word = word.partition("=")[2] if "=" in word else word.lstrip("-")
    if not word or is_plain_word(word) or _is_path(word):
        return
    yield word
    before_host = word.rpartition("@")[0]
    for part in _JOINTS.split(word):
        is_before = bool(part) and part in before_host
        if len(part) >= _PART and (is_before or not is_plain_word(part)):
            yield part


def _is_path(word: str) -> bool:
    """Whether it is a file, or a plain name in a directory that there is."""
    try:
        path = Path(word)
        return path.exists() or (path.parent.exists() and is_plain_word(path.name))
    except (OSError, ValueError):
        return False
