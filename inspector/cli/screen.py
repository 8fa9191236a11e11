"""What the output is written on: its width, its encoding, and whether it takes colour."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TextIO

DEFAULT_WIDTH: Final = 80
NARROWEST: Final = 40


@dataclass(frozen=True, slots=True)
class Screen:
    """`width` in columns; `encoding` as Python names it."""

    width: int
    color: bool
    encoding: str

    @classmethod
    def of(cls, out: TextIO, environ: Mapping[str, str] = os.environ) -> Screen:
        """The screen behind `out`: 80 columns without colour when it is no terminal.

        COLUMNS sets the width in either case; NO_COLOR (no-color.org: any value
        but the empty one) and TERM=dumb switch colour off.
        """
        tty = out.isatty()
        columns = environ.get("COLUMNS", "")
        if columns.isascii() and columns.isdigit() and int(columns):
            width = int(columns)
        elif tty:
            width = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
        else:
            width = DEFAULT_WIDTH
        color = tty and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        return cls(max(NARROWEST, width), color, out.encoding or "utf-8")
