"""How a command prints, and the options that say so: the same of every command that has them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

if TYPE_CHECKING:
    from inspector.cli.screen import Screen

no_progress_option: Final = click.option(
    "--no-progress", is_flag=True, help="No progress line on stderr."
)


def format_option(forms: Sequence[str], told: str) -> Callable[[Any], Any]:
    """`--format`, by default a page for people; `told` is its help."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms),
        default="terminal",
        show_default=True,
        help=told,
    )


def output_option(told: str, *, required: bool = False) -> Callable[[Any], Any]:
    """`-o DIR`; `told` is its help."""
    return click.option(
        "-o",
        "--output",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        required=required,
        help=told,
    )


def put(data: bytes) -> None:
    """Write to standard output, all of it, now."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def put_told(
    form: Literal["terminal", "json"],
    page: Callable[[Screen], str],
    plain: Callable[[], Mapping[str, Any]],
) -> None:
    """Write the page, or the plain values as JSON."""
    if form == "json":
        from inspector.report.formats.json import dumps

        put(dumps(plain()) + b"\n")
    else:
        put_page(page)


def put_page(page: Callable[[Screen], str]) -> None:
    """Write a page, made for the screen that standard output is."""
    from inspector.cli.screen import Screen

    screen = Screen.of(sys.stdout)
    put(page(screen).encode(screen.encoding, "backslashreplace"))
