"""Captured text made fit for a terminal: nothing in it can act, hide or reorder.

A header value, a path or an error message is chosen by whoever was on the
wire.  Shown raw it could move the cursor, recolour the screen, reverse the
order of what is read (Unicode TR 9, bidirectional overrides) or, on a runner
of GitHub Actions, be taken for a workflow command.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from inspector.regex import regex
from inspector.secrets.labels import shortened

#: Right-to-left letters and numbers reorder their neighbours without any control character.
_REORDERING: Final = frozenset({"R", "AL", "AN"})

_PLAIN: Final = regex(r"[ -\[\]-~]*")

#: `::command::` counts at the start of a line, white space aside; `##[command]` anywhere.
_COMMAND_AT_START: Final = regex(r"^((?:\x1b\[[0-9;]*m|\s)*):(?=:)", re.MULTILINE)
_COMMAND_ANYWHERE: Final = "##["


#: Characters of a text that is remembered as it is shown.
_SHORT: Final = 200


def visible(text: str) -> str:
    r"""`text` with every character that could act replaced by its escape.

    Escapes are those of Python (`\n`, `\x1b`, `\u202e`); a backslash is doubled,
    so that an escape in the result always stands for one.  What stays is
    printable, and reads from left to right.
    """
    if _PLAIN.fullmatch(text):
        return text
    return "".join(map(_visible_character, text))


def clipped(text: str, width: int) -> str:
    """`visible(text)` in at most `width` columns, with `...` where it was cut."""
    return _met(text, width) if len(text) <= _SHORT else _clipped(text, width)


def _clipped(text: str, width: int) -> str:
    if len(text) > 4 * width:
        text = text[: 4 * width] + "..."
    shown = visible(text)
    return shortened(shown, width)


#: A page says most of its short texts again and again.
_met: Final = lru_cache(maxsize=1024)(_clipped)


def defused(rendered: str) -> str:
    """Rendered lines in which a runner of GitHub Actions sees no command.

    For a whole output: a line can begin with captured text after wrapping.
    """
    rendered = _COMMAND_AT_START.sub(r"\1\\x3a", rendered)
    return rendered.replace(_COMMAND_ANYWHERE, r"##\x5b")


def _visible_character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if (
        character.isprintable()
        and unicodedata.bidirectional(character) not in _REORDERING
        and not unicodedata.combining(character)
    ):
        return character
    return character.encode("unicode_escape").decode("ascii")
