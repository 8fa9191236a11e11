"""A text read as its reader reads it: percent, JSON, HTML and quoted-printable writing undone.

What is written otherwise is never a word.  Where every character came from is kept, so that what
is found in the text that was meant can be hidden where it stands.
"""

from __future__ import annotations

import re
from typing import Final

from inspector.fact import Fact
from inspector.regex import regex
from inspector.secrets.grammar import Span

#: A URL in a URL's parameter, a JSON document in a string of one, and once more.
_DEPTH: Final = 3
_SIGN: Final = regex(r"[%\\&=\xc2-\xf4]")
_WRITING: Final = regex(
    r"%(?P<percent>[0-9A-Fa-f]{2})"
    r"|\\u(?P<escape>[0-9A-Fa-f]{4})"
    r"|\\x(?P<hex>[0-9A-Fa-f]{2})"
    r"|\\(?P<letter>[\"\\/'bfnrt])"
    r"|&(?P<entity>\#[0-9]{1,5}|\#[xX][0-9A-Fa-f]{1,4}|[A-Za-z]{2,8});"
    r"|=(?P<printable>[0-9A-F]{2})(?:(?==[0-9A-F]{2})|(?<==[0-9A-F]{2}=[0-9A-F]{2}))"
    # UTF-8 read as Latin-1 (RFC 3629 4)
    r"|(?P<utf8>[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})"
)
_LETTERS: Final = {"b": " ", "f": " ", "n": "\n", "r": "\r", "t": "\t"}


class Undone(Fact):
    """A text as it was meant, and where each of its characters stands in what was written."""

    text: str
    origins: tuple[Span, ...] | None
    """None: nothing was written otherwise."""

    def written(self, start: int, stop: int) -> Span:
        """Where a stretch of the text stands in what was written."""
        if self.origins is None:
            return start, stop
        return self.origins[start][0], self.origins[stop - 1][1]


def undone(text: str) -> Undone:
    """A text with every writing undone, a few times over."""
    meant = Undone(text, None)
    for _ in range(_DEPTH):
        if not _SIGN.search(meant.text):
            break
        again = _once(meant)
        if again.text == meant.text:
            break
        meant = again
    return meant


def _once(before: Undone) -> Undone:
    parts: list[str] = []
    origins: list[Span] = []
    at = 0
    for match in _WRITING.finditer(before.text):
        meaning = _meaning(match)
        if meaning is None:
            continue
        start, stop = match.span()
        parts += (before.text[at:start], meaning)
        origins += (before.written(place, place + 1) for place in range(at, start))
        if meaning:
            origins += [before.written(start, stop)] * len(meaning)
        elif origins:  # what stands for nothing belongs to the character before it
            origins[-1] = origins[-1][0], before.written(start, stop)[1]
        at = stop
    parts.append(before.text[at:])
    origins += (before.written(place, place + 1) for place in range(at, len(before.text)))
    if origins:  # or to the first one
        origins[0] = before.written(0, 1)[0], origins[0][1]
    return Undone("".join(parts), tuple(origins))


def _meaning(match: re.Match[str]) -> str | None:
    kind, said = match.lastgroup, match[match.lastgroup or 0]
    if kind == "letter":
        return _LETTERS.get(said, said)
    if kind == "utf8":
        return said.encode("latin-1").decode("utf-8", "replace")
    if kind == "entity":
        import html

        meant = html.unescape(f"&{said};")
        return None if meant == f"&{said};" else meant
    return chr(int(said, 16))
