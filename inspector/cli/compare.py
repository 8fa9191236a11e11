"""`inspector compare`: what changed between two runs, or between two clients of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from inspector.cli.analyze import NoTcp
from inspector.cli.filtering import filter_options, selection_of
from inspector.cli.group import verbose_option
from inspector.cli.help import Described
from inspector.cli.inputs import options_of, report_of
from inspector.cli.interrupts import AtOnce
from inspector.cli.network import network_options
from inspector.cli.printing import format_option, no_progress_option, put_told
from inspector.errors import quoted
from inspector.report.formats.table import AT_THE_END


@click.command(cls=Described)
@click.argument("a", metavar="A")
@click.argument("b", metavar="[B]", required=False)
@click.option(
    "--client",
    "clients",
    metavar="TEXT",
    multiple=True,
    help="Only clients whose user agent contains this. Twice: the first of A, the second of B, "
    "or both of A where B is not given.",
)
@format_option(AT_THE_END, "A table for people, or the differences as JSON.")
@click.option(
    "--exit-code",
    is_flag=True,
    help="End with 3 when something differs that is not ignored, with 5 when credentials cannot "
    "be compared.",
)
@click.option(
    "--ignore",
    "ignored",
    metavar="PATTERN",
    multiple=True,
    help="What may differ: an aspect (requests), a thing (findings), or both "
    "(tunnels/*telemetry*); * is any text.",
)
@filter_options
@network_options
@no_progress_option
@verbose_option
@click.pass_context
def compare(
    ctx: click.Context,
    /,
    a: str,
    b: str | None,
    clients: tuple[str, ...],
    form: Literal["terminal", "json"],
    exit_code: bool,
    ignored: tuple[str, ...],
    no_progress: bool,
    **told: Any,
) -> None:
    """Tell what differs: clients, headers, credentials, answers, tunnels, findings.

    A and B are each a capture, a directory with one, or a report.json; or both
    are directories of `inspector fleet -o`, and rates over their runs are told. Of two
    captures the fingerprints of credentials are made with one key, so that the
    same credential is seen to be the same. Of reports that were made with
    different keys, and of redacted copies, credentials that look alike cannot
    be compared, which is said.
    """
    with AtOnce():
        import secrets

        from inspector.errors import plain_parts
        from inspector.fact import replace
        from inspector.inspection import FINGERPRINT_KEY_BYTES
        from inspector.report.compare import Side, matching
        from inspector.report.compare import compare as differences
        from inspector.report.compare_page import page
        from inspector.report.formats.compared import plain
        from inspector.report.page.escape import clipped, visible
        from inspector.report.selecting import select

    if len(clients) > 2:
        raise click.UsageError("--client may be given twice at most.")
    if b is None and len(clients) != 2:
        raise click.UsageError("Give B, or --client twice to compare two clients of A.")
    if b is not None and all((Path(each) / "fleet.json").is_file() for each in (a, b)):
        if clients or selection_of(told):
            raise click.UsageError(
                "Of two fleets all runs are compared: leave out --client and what selects calls."
            )
        ctx.exit(_fleets(a, b, form, ignored, exit_code=exit_code))
    options = options_of(told)
    options = replace(
        options,
        fingerprint_key=options.fingerprint_key or secrets.token_bytes(FINGERPRINT_KEY_BYTES),
    )
    first = report_of((a,), options, progress=not no_progress)
    second = first if b is None else report_of((b,), options, progress=not no_progress)
    sides: tuple[Side, ...] = (
        Side(plain_parts(a), first, clients[0] if clients else None),
        Side(plain_parts(b or a), second, clients[-1] if clients else None),
    )
    for side in sides:
        if not side.report.connections:
            raise NoTcp(side.report.topology.scope, side.name)
    selection = selection_of(told)
    if selection:
        sides = tuple(
            replace(side, report=select(side.report, selection).report, filtered=selection.said)
            for side in sides
        )
    for side in sides:
        if side.client is not None and not matching(side):
            agents = {clipped(c.user_agent or "none", 80) for c in side.report.clients}
            known = ", ".join(sorted(agents)) or "no client at all"
            raise click.UsageError(
                f"No client of {visible(side.name)} has {quoted(side.client)} in its user agent. "
                f"It has {known}."
            )
    comparison = differences(sides[0], sides[1], ignored)
    put_told(
        form,
        lambda screen: page(comparison, width=screen.width, color=screen.color),
        lambda: plain(comparison),
    )
    if exit_code:
        ctx.exit(comparison.exit_code)


def _fleets(
    a: str, b: str, form: Literal["terminal", "json"], ignored: tuple[str, ...], *, exit_code: bool
) -> int:
    """Compare the runs of two fleets; the exit code."""
    from inspector.errors import ExitCode, plain_parts
    from inspector.fleet import comparison
    from inspector.fleet.comparison_page import render_comparison
    from inspector.fleet.store import Store
    from inspector.fleet.told import plain_comparison

    differences = comparison.compare(Store.opened(Path(a)), Store.opened(Path(b)), ignored)
    code = comparison.exit_code(differences)
    names = plain_parts(a), plain_parts(b)
    put_told(
        form,
        lambda screen: render_comparison(
            differences, *names, width=screen.width, color=screen.color
        ),
        lambda: plain_comparison(differences, *names, code),
    )
    return code if exit_code else ExitCode.DONE
