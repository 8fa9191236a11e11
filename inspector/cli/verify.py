"""`inspector verify`: a capture's report held against what tshark reads in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.group import verbose_option
from inspector.cli.help import Described
from inspector.cli.inputs import options_of
from inspector.cli.network import FILE, network_options
from inspector.errors import ExitCode

if TYPE_CHECKING:
    from inspector.second_opinion import Opinion, ReadingDifference


@click.command(cls=Described)
@click.argument(
    "path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--keylog",
    type=FILE,
    metavar="FILE",
    help="TLS secrets (SSLKEYLOGFILE's format), for both to read inside tunnels.",
)
@network_options
@verbose_option
@click.pass_context
def verify(ctx: click.Context, /, path: Path, keylog: Path | None, **told: Any) -> None:
    """Ask tshark for a second opinion.

    Requests by their methods and answers by their statuses are compared, for
    each connection, in one pass of tshark; what differs is named with where
    to look and why that may be. Ends with 0 if nothing differs, with 3 if
    something does, with 4 if there is no tshark.
    """
    from inspector.capture_files import inspect_captures
    from inspector.second_opinion import compared

    key_logs = () if keylog is None else (keylog,)
    options = options_of({**told, "key_logs": key_logs})
    opinion = compared(inspect_captures((path,), options), path, keylog)
    click.echo(_page(opinion), nl=False)
    ctx.exit(ExitCode.BROKEN if opinion.differences else ExitCode.DONE)


def _page(opinion: Opinion) -> str:
    from inspector.report.page.escape import defused, visible

    read = (
        f"{opinion.requests} requests and {opinion.statuses} answers on"
        f" {opinion.connections} connections"
    )
    if not opinion.differences:
        return f"Equal: {read}, as tshark {opinion.version} reads them.\n"
    lines = [f"Different from what tshark {opinion.version} reads, of {read}:"]
    for one in opinion.differences:
        lines += _told(one)
    return defused("\n".join(map(visible, lines))) + "\n"


def _told(one: ReadingDifference) -> tuple[str, str]:
    client, server = one.ends
    return (
        f"  {client} -> {server}, from packet {one.packet}: {one.what}",
        f"    only inspector: {one.ours}; only tshark: {one.theirs} ({one.reason})",
    )
