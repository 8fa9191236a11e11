"""A TOML file that a user wrote, read within bounds: its table, or why there is none."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

#: A policy or a topology of this length was never written by hand.
LONGEST: Final = 1 << 20


class Unreadable(Exception):
    """The text after "cannot be read: "."""


def read_table(path: Path) -> dict[str, Any]:
    """The table of a file.  Raises `Unreadable`, whatever the file holds."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    if len(data) > LONGEST:
        raise Unreadable(f"it is longer than {LONGEST >> 20} MiB")
    try:
        return tomllib.loads(data.decode())
    except RecursionError as error:
        raise Unreadable("brackets are nested too deeply in it") from error
    except ValueError as error:  # no TOML, no UTF-8, a number of thousands of digits
        raise Unreadable(str(error)) from error
