"""`inspector show`: one exchange, tunnel or connection in full."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import click

from inspector.cli.analyze import NoTcp
from inspector.cli.extracting import check_target, extract
from inspector.cli.filtering import filter_options, limit_option, selection_of
from inspector.cli.group import VERBOSITY, verbose_option
from inspector.cli.help import Described
from inspector.cli.inputs import options_of, report_in, report_of
from inspector.cli.interrupts import AtOnce
from inspector.cli.network import key_options, log_options, network_options
from inspector.cli.printing import format_option, no_progress_option, put_page, put_told
from inspector.errors import InspectorError
from inspector.report.formats.table import AT_THE_END

#: Bytes of a capture that is read while somebody waits for a name to be completed.
_AT_ONCE: Final = 8 << 20


def _takes_long(path: str) -> bool:
    from inspector.pcap.locate import locate

    return sum(Path(name).stat().st_size for name in locate(path).captures) > _AT_ONCE


def _names(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The names that a shell offers for what was begun: of a report, or of a small capture."""
    from inspector.options import Options

    path = ctx.params.get("path")
    try:
        if path is None or path == "-" or (report_in(path) is None and _takes_long(path)):
            return []
        report = report_of((path,), Options(), progress=False)
    except (InspectorError, OSError):
        return []  # the command itself says why
    named = (report.exchanges, report.tunnels, report.connections, report.direct_tls)
    return [one.id for things in named for one in things if one.id.startswith(begun)]


@click.command(cls=Described)
@click.argument("path", metavar="FILE")
@click.argument("identifier", metavar="[ID]", required=False, shell_complete=_names)
@format_option(AT_THE_END, "A page for people, or the same as JSON.")
@click.option(
    "--extract",
    "target",
    type=click.Path(path_type=Path),
    metavar="OUT.pcapng",
    help="Also write its packets alone, without credentials, as redact writes them.",
)
@click.option("--force", is_flag=True, help="Replace OUT.pcapng if it is there.")
@filter_options
@limit_option
@network_options
@log_options
@key_options
@no_progress_option
@verbose_option
@click.pass_context
def show(
    ctx: click.Context,
    /,
    path: str,
    identifier: str | None,
    form: Literal["terminal", "json"],
    target: Path | None,
    force: bool,
    limit: int | None,
    no_progress: bool,
    **told: Any,
) -> None:
    """Show one exchange (e1), tunnel (t1) or connection (c3) in full.

    FILE is a capture as for analyze, or a report.json or its folder; ID is a
    name that stands on the page of that report. Without ID the exchanges are
    listed, all or those that the options select. Of an exchange both hops are
    shown side by side where it is known which tunnel carried it: credentials,
    headers as sent, the answer, times, packets, and a display filter for
    Wireshark.
    """
    with AtOnce():
        from inspector.fact import replace
        from inspector.report.detail.gather import Details
        from inspector.report.detail.page import listed, page
        from inspector.report.formats.detailed import plain
        from inspector.report.selecting import select

    selection = selection_of(told)
    if identifier is None and (form == "json" or target is not None):
        raise click.UsageError("Missing argument 'ID': a list is a page (or analyze's jsonl).", ctx)
    if identifier is not None and selection:
        raise click.UsageError(f"{selection.said} is for a list: leave ID out.", ctx)
    if target is not None:
        check_target(target, force)
    options = replace(options_of(told), finds_keys=True)
    report = report_of((path,), options, progress=not no_progress)
    if not report.connections:
        raise NoTcp(report.topology.scope)
    verbose = ctx.meta.get(VERBOSITY, 0) > 0
    if identifier is None:
        selected = select(report, selection)
        put_page(
            lambda screen: listed(selected, width=screen.width, color=screen.color, limit=limit)
        )
        return
    detail = Details(report).of(identifier)
    put_told(
        form,
        lambda screen: page(
            detail,
            report,
            width=screen.width,
            color=screen.color,
            limit=0 if verbose and limit is None else limit,
        ),
        lambda: plain(detail),
    )
    if target is not None:
        extract(
            path,
            report,
            detail,
            target,
            auth_headers=options.secret_headers(),
            kept_headers=options.kept_headers,
        )
