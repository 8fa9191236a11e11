"""`--only` and `--without`: which files a directory of results gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click


def choosing_options(names: Sequence[str]) -> Callable[[Any], Any]:
    """Add --only and --without, each with the names of files that the command leaves."""
    listed = ", ".join(names)

    def add(command: Any) -> Any:
        for flag, does in (
            ("--without", "Leave all but this file in the directory of -o. Repeatable."),
            ("--only", f"Leave only this file in the directory of -o: {listed}. Repeatable."),
        ):
            command = click.option(
                flag, type=click.Choice(names), metavar="NAME", multiple=True, help=does
            )(command)
        return command

    return add


def chosen(told: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """The files to be left, in the order of `names`.  Raises `click.UsageError`."""
    only, without = told.get("only", ()), told.get("without", ())
    if (only or without) and told["directory"] is None:
        raise click.UsageError("--only and --without choose among the files of -o: give -o DIR.")
    left = tuple(name for name in names if (not only or name in only) and name not in without)
    if not left:
        raise click.UsageError("--only and --without together leave no file.")
    return left
