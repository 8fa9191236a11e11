"""A TOML file that a user wrote, read within bounds: its table, or why there is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from inspector.errors import NOT_SHOWN
from inspector.regex import regex

#: A policy or a topology of this length was never written by hand.
LONGEST: Final = 1 << 20
#: What the parser repeats of the text, which may be a key; it ends before the place.
_REPEATED: Final = regex(r"[('\"].*['\")](?= ?(?:[a-z ]*)\(at )", re.DOTALL)
#: As long as a character in quotes is, escaped.
_CHARACTER: Final = 8


class Unreadable(Exception):
    """The text after "cannot be read: "."""


def read_table(path: Path) -> dict[str, Any]:
    """The table of a file.  Raises `Unreadable`, whatever the file holds."""
    return parse_table(read_text(path))


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark.  Raises `Unreadable`."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    if len(data) > LONGEST:
        raise Unreadable(f"it is longer than {LONGEST >> 20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is no UTF-8 text: byte {error.start}") from error


def parse_table(text: str) -> dict[str, Any]:
    """The table that a text says.  Raises `Unreadable`."""
    import tomllib  # most runs read no such file

    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise Unreadable("brackets are nested too deeply in it") from error
    except ValueError as error:  # no TOML, a number of thousands of digits
        raise Unreadable(_REPEATED.sub(_shown, str(error))) from None


def _shown(repeated: re.Match[str]) -> str:
    return repeated[0] if len(repeated[0]) <= _CHARACTER else NOT_SHOWN
