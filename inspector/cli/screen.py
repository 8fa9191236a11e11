"""What the output is written on: its width, its encoding, and whether it takes colour."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, Literal, TextIO

import click

from inspector.fact import Fact

DEFAULT_WIDTH: Final = 80
NARROWEST: Final = 40

#: Where the value of --color is kept for a run.
_COLOR: Final = "inspector.color"
#: When colour is used.
When = Literal["auto", "always", "never"]


def color_option() -> click.Option:
    """The option --color, which each command has."""

    def keep(ctx: click.Context, _: click.Parameter, when: When) -> None:
        ctx.meta[_COLOR] = when

    return click.Option(
        ["--color"],
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        expose_value=False,
        envvar="INSPECTOR_COLOR",
        show_envvar=True,
        callback=keep,
        help="Colour in pages for people. Default: auto, which is colour on a terminal, unless "
        "NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE or TERM=dumb say otherwise.",
    )


class Screen(Fact):
    """`width` in columns; `encoding` as Python names it."""

    width: int
    color: bool
    encoding: str

    @classmethod
    def of(cls, out: TextIO, environ: Mapping[str, str] = os.environ) -> Screen:
        """The screen behind `out`: 80 columns without colour when it is no terminal.

        COLUMNS sets the width in either case.  The run's --color decides on colour; left at
        auto, `takes_color` does.
        """
        tty = out.isatty()
        columns = environ.get("COLUMNS", "")
        if columns.isascii() and columns.isdigit() and int(columns):
            width = int(columns)
        elif tty:
            import shutil

            width = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
        else:
            width = DEFAULT_WIDTH
        context = click.get_current_context(silent=True)
        when: When = "auto" if context is None else context.meta.get(_COLOR, "auto")
        color = takes_color(tty, environ) if when == "auto" else when == "always"
        return cls(max(NARROWEST, width), color, out.encoding or "utf-8")


def takes_color(tty: bool, environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for colour, or the terminal takes it.

    NO_COLOR and FORCE_COLOR count with any value but the empty one (no-color.org,
    force-color.org), CLICOLOR_FORCE with any but "0" (bixense.com/clicolors); NO_COLOR wins.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR") or environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return tty and environ.get("TERM") != "dumb" and environ.get("CLICOLOR") != "0"
