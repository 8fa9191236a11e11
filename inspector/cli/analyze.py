"""`inspector analyze`: options to `inspection.Options`, the report to stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import click

from inspector.cli.filtering import filter_options, limit_option, selection_of
from inspector.cli.group import VERBOSITY, verbose_option
from inspector.cli.help import Described
from inspector.cli.inputs import options_of, piped_report, stored_report
from inspector.cli.interrupts import INTERRUPTED
from inspector.cli.messages import say
from inspector.cli.network import key_options, log_options, network_options
from inspector.cli.outcome import ReportOptions, outcome_options
from inspector.cli.printing import format_option, no_progress_option
from inspector.cli.progress import Progress
from inspector.cli.stopping import graceful
from inspector.cli.streams import only_for_reader
from inspector.errors import ExitCode, InspectorError, JsonText, plain_parts
from inspector.fact import replace
from inspector.report.formats.table import ALL

if TYPE_CHECKING:
    from inspector.cli.stopping import Stop
    from inspector.model.http import Exchange
    from inspector.model.network import Tunnel
    from inspector.model.report import Report
    from inspector.options import Options
    from inspector.redaction import Copies
    from inspector.report.selecting import Selected, Selection


@click.command(cls=Described)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@format_option(
    ALL, "A page for people, the whole report as JSON, or exchanges line by line as they end."
)
@filter_options
@limit_option
@network_options
@log_options
@key_options
@outcome_options
@no_progress_option
@verbose_option
@click.pass_context
def analyze(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    form: Literal["terminal", "json", "jsonl"],
    limit: int | None,
    no_progress: bool,
    **told: Any,
) -> None:
    """Tell who sent which credentials to whom, and what was answered.

    PATH is a capture file (pcap, pcapng; also gzip or zstd), a directory with
    one and the logs and TLS key logs beside it, or - for standard input.
    Several are merged by time. Or it is the report.json of a run, or the
    directory of its results, which is shown again.
    """
    verbosity = ctx.meta.get(VERBOSITY, 0)
    start_logging(verbosity)
    options = replace(options_of(told), finds_keys=True)
    outcome = ReportOptions.told(told)
    selection = selection_of(told)
    if selection and form == "json":
        raise click.UsageError(
            f"A report is of the whole run: {selection.said} is for the page and for jsonl."
        )
    out = sys.stdout.buffer
    on_exchange: Callable[[Exchange], None] | None = None
    on_tunnel: Callable[[Tunnel], None] | None = None
    write: Callable[[Report], None]
    if form == "jsonl":
        from inspector.report.formats.jsonl import JsonLines

        lines = JsonLines(out, several_files=_several_files(paths))
        write = lines.finish
        if selection:
            write = partial(_write_selected, selection=selection, finish=lines.finish)
        else:
            on_exchange, on_tunnel = lines.exchange, lines.tunnel
    elif form == "json":
        from inspector.report.formats.json import write_json

        write = partial(write_json, out=out)
    else:
        write = partial(write_page, out=out, verbosity=verbosity, limit=limit, selection=selection)

    outcome.check_directory()
    copies, trouble = None, None
    report = stored_report(paths, options)
    if report is None:
        with (
            Progress(wanted=not no_progress) as progress,
            graceful() as stop,
            only_for_reader(not outcome.has_other_use),
        ):
            copies = outcome.copies(options.secret_headers(), options.kept_headers)
            report, trouble = _inspect(
                paths, options, progress, on_exchange, on_tunnel, stop, copies
            )
    unwritten = outcome.leave_files(report, copies if trouble is None else None)
    if copies is not None:
        copies.close()
    if form != "terminal" or trouble is None:
        write(report)
        out.flush()
    outcome.tell_runner(report, commands_to_stdout=form == "terminal")
    for error in (trouble, unwritten):
        if error is not None:
            raise error
    tell_of_several_runs(paths)
    if form != "terminal":  # the page says it itself
        for note in () if report.witnesses is None else report.witnesses.notes:
            say(f"{plain_parts(note)}.")
    interrupted = tell_interrupted(report)
    if not report.connections and not interrupted:
        raise NoTcp(report.topology.scope)
    judged = outcome.judged(report)
    ctx.exit(INTERRUPTED if interrupted else judged)


def tell_of_several_runs(paths: tuple[str, ...]) -> None:
    """Say of a directory whose captures are hardly of one run who judges each by itself."""
    directories = [path for path in paths if path != "-" and Path(path).is_dir()]
    if not directories:
        return
    from inspector.fleet.discovery import unrelated

    for path in directories:
        if several := unrelated(path):
            say(
                f"{plain_parts(path)} holds {several} captures that do not look like one run, and"
                " one report was made of them all: inspector fleet judges each by itself."
            )


def tell_interrupted(report: Report) -> bool:
    """Whether the reading of a capture was interrupted, which is then said."""
    names = [
        "standard input" if capture.name == "-" else capture.name
        for capture in report.captures
        if capture.interrupted
    ]
    if names:
        say(
            f"Interrupted by Ctrl-C (SIGINT): the report is of what was read of "
            f"{' and '.join(names)} until then."
        )
    return bool(names)


class NoTcp(InspectorError):
    """A capture that could be read, and has nothing for this program."""

    exit_code = ExitCode.NOTHING_TO_ANALYSE

    def __init__(self, scope: str, of: str = "") -> None:
        super().__init__(
            f"No TCP connection in scope ({scope}){of and f' in {of}'}",
            "Try --scope all, or name the network with --subnet"
            if scope == "subnet"
            else "Capture on the bridge itself, without a filter",
            "The file itself was readable",
        )


def _inspect(
    paths: tuple[str, ...],
    options: Options,
    progress: Progress,
    on_exchange: Callable[[Exchange], None] | None,
    on_tunnel: Callable[[Tunnel], None] | None,
    stop: Stop,
    copies: Copies | None,
) -> tuple[Report, InspectorError | None]:
    from inspector.capture_files import inspect_captures
    from inspector.model.report import nothing_to_analyse

    try:
        report = inspect_captures(
            paths,
            options,
            on_progress=progress,
            on_exchange=on_exchange,
            on_tunnel=on_tunnel,
            stop=stop,
            copies=copies,
        )
    except JsonText as error:
        if paths == ("-",):
            return piped_report(paths, error), None
        return nothing_to_analyse(error.culprit), error
    except InspectorError as error:
        if error.exit_code != ExitCode.NOTHING_TO_ANALYSE:
            raise
        return nothing_to_analyse(error.culprit), error
    return report, None


def _several_files(paths: tuple[str, ...]) -> bool:
    from inspector.pcap.locate import locate

    try:
        return sum(len(locate(path).captures) for path in paths) > 1
    except InspectorError:
        return len(paths) > 1  # the inspection will meet the same error, and tell it


def _write_selected(
    report: Report, selection: Selection, finish: Callable[[Report, Selected], None]
) -> None:
    from inspector.report.selecting import select

    finish(report, select(report, selection))


def write_page(
    report: Report,
    out: BinaryIO,
    verbosity: int,
    limit: int | None = None,
    selection: Selection | None = None,
) -> None:
    """The page for people, as wide and as colourful as standard output takes it."""
    from inspector.cli.screen import Screen
    from inspector.report.page.terminal import render

    screen = Screen.of(sys.stdout)
    page = render(
        report,
        width=screen.width,
        color=screen.color,
        verbosity=verbosity,
        limit=limit,
        selection=selection,
    )
    out.write(page.encode(screen.encoding, "backslashreplace"))


def start_logging(verbosity: int) -> None:
    """Logs on stderr, from -vv on."""
    if verbosity < 2:
        return
    import logging

    logging.basicConfig(
        level=logging.DEBUG, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
