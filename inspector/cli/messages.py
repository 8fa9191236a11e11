"""A line of the program's own on standard error."""

from __future__ import annotations

import click


def say(sentence: str) -> None:
    """A line on stderr that cannot be taken for anything else."""
    from inspector.cli.discretion import discreet
    from inspector.report.page.escape import defused, visible

    click.echo(defused(f"inspector: {visible(discreet(sentence))}"), err=True)
