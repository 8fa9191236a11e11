"""`inspector capture`: a live capture, for a command or until told, and its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import click

from inspector.cli.choosing import choosing_options
from inspector.cli.group import VERBOSITY, verbose_option
from inspector.cli.help import Described
from inspector.cli.interrupts import AtOnce
from inspector.cli.labels import label_option
from inspector.cli.live_options import Printer, live_options, plan
from inspector.cli.messages import say
from inspector.cli.network import network_options
from inspector.cli.outcome import LEFT, ReportOptions, judging_options, keep_ciphertext_option
from inspector.cli.parameters import Duration, Rotate, Size
from inspector.cli.printing import format_option, output_option
from inspector.cli.streams import only_for_reader
from inspector.report.files import CAPTURE, NAMES
from inspector.report.formats.table import ALL

#: The first word that is no option begins the command: its own options are its own.
_CONTEXT: Final = {"allow_interspersed_args": False}


@click.command(cls=Described, context_settings=_CONTEXT)
@click.argument("command", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@live_options
@click.option(
    "-w",
    "--write",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the packets into this pcapng file, credentials and bodies masked in place.",
)
@click.option(
    "--rotate",
    type=Rotate(),
    metavar="SIZE[:COUNT]",
    help="Begin the next file of a ring at this size; keep the last COUNT.",
)
@output_option(f"Write {', '.join(NAMES)} and the capture file into this directory.")
@choosing_options(LEFT)
@format_option(
    ALL, "What is printed at the end: a page for people, JSON, or JSON Lines as things end."
)
@click.option("--duration", type=Duration(), metavar="TIME", help="End after 30s, 5m or 2h.")
@click.option("--max-size", type=Size(), metavar="SIZE", help="End at this size of the packets.")
@click.option(
    "--raw", is_flag=True, help="Write packets as they are: credentials will be in the file."
)
@click.option(
    "--keep-bodies",
    is_flag=True,
    help="Keep what prompts and answers say. Only what looks like a key is masked in them.",
)
@keep_ciphertext_option
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Make this file once the capture runs.",
)
@click.option(
    "--pid-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep the process id in this file while the capture runs.",
)
@network_options
@label_option
@judging_options
@verbose_option
@click.pass_context
def capture(
    ctx: click.Context,
    /,
    command: tuple[str, ...],
    path: Path | None,
    rotate: str | None,
    directory: Path | None,
    form: Literal["terminal", "json", "jsonl"],
    duration: str | None,
    max_size: str | None,
    raw: bool,
    keep_bodies: bool,
    keep_ciphertext: bool,
    ready_file: Path | None,
    pid_file: Path | None,
    **live: Any,
) -> None:
    """Capture the bridge while COMMAND runs, or until told to end, and report.

    Ends with COMMAND, after --duration, at --max-size, on Ctrl-C or SIGTERM.
    COMMAND runs as the invoking user, not as root; its exit status, if it is
    not 0, is this program's, whatever --fail-on says.
    """
    with AtOnce():
        from inspector.live.capture import Watchers
        from inspector.live.capture import capture as run_capture

    verbosity = ctx.meta.get(VERBOSITY, 0)
    if rotate is not None and path is None and directory is None:
        raise click.UsageError("--rotate needs a file to rotate: give -w FILE or -o DIR.")
    outcome = ReportOptions.told({**live, "directory": directory})
    planned = plan(
        live,
        verbosity,
        command=command,
        path=path,
        directory=directory,
        keeps_packets=CAPTURE in outcome.names,
        rotate=rotate,
        raw=raw,
        keep_bodies=keep_bodies,
        keep_ciphertext=keep_ciphertext,
        duration=duration,
        max_size=max_size,
        ready_file=ready_file,
        pid_file=pid_file,
    )
    leaves = outcome.names if directory is not None else ()
    printer = Printer(form, verbosity, several_files=rotate is not None, leaves=leaves)
    watchers = Watchers(printer.on_exchange, printer.on_tunnel, prepare=printer.prepare, tell=say)
    with only_for_reader(not (command or path or outcome.has_other_use)):
        captured = run_capture(planned, watchers)
    report = captured.report
    unwritten = outcome.leave_files(report)
    printer.write(report)
    outcome.tell_runner(report, commands_to_stdout=form == "terminal")
    judged = outcome.judged(report)
    if unwritten is not None and not captured.exit_code:
        raise unwritten
    if unwritten is not None:
        say(str(unwritten))
    ctx.exit(captured.exit_code or judged)
