"""`inspector completion`: what makes a shell complete commands, options and codes."""

from __future__ import annotations

from typing import Final

import click

from inspector.cli.group import verbose_option
from inspector.cli.help import Described

SHELLS: Final = ("bash", "zsh", "fish")


@click.command(cls=Described)
@click.argument("shell", type=click.Choice(SHELLS))
@verbose_option
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options and codes.

    SHELL is bash (4.4 or later), zsh or fish.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    name = "inspector"
    # What `main` looks for when it is called as `inspector`.
    script = found(ctx.find_root().command, {}, name, f"_{name.upper()}_COMPLETE")
    click.echo(script.source_template % script.source_vars())
