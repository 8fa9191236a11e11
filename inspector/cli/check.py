"""`inspector check`: runs judged by a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

import click

from inspector.cli.analyze import NoTcp, tell_interrupted
from inspector.cli.choosing import choosing_options, chosen
from inspector.cli.group import verbose_option
from inspector.cli.help import Described
from inspector.cli.inputs import options_of, report_in, report_of
from inspector.cli.interrupts import INTERRUPTED, AtOnce
from inspector.cli.network import key_options, log_options, network_options
from inspector.cli.outcome import Runner, github_options
from inspector.cli.printing import format_option, no_progress_option, output_option, put_told
from inspector.cli.stopping import graceful
from inspector.fact import replace
from inspector.report.formats.table import AT_THE_END

if TYPE_CHECKING:
    from inspector.model.report import Report
    from inspector.options import Options
    from inspector.policy.judge import Judgement

#: The files of `check -o DIR`.
RESULT: Final = "check.json"
JUNIT: Final = "junit.xml"
LEFT: Final = (RESULT, JUNIT)


@click.command(cls=Described)
@click.argument("paths", metavar="[PATH...]", nargs=-1)
@click.option(
    "--policy",
    default="awf",
    show_default=True,
    metavar="NAME|FILE",
    envvar="INSPECTOR_POLICY",
    show_envvar=True,
    help="A built-in policy, or a TOML file (docs/policy.md).",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note", "never"]),
    help="From which level on a finding breaks the policy. Default: as the policy says.",
)
@format_option(AT_THE_END, "Lines for people, or the judgement as JSON.")
@click.option("--explain", is_flag=True, help="Say in sentences what the policy demands, and end.")
@click.option(
    "--init",
    is_flag=True,
    help="Write a policy that this run keeps to standard output, to start from, and end.",
)
@output_option(f"Also leave {' and '.join(LEFT)} in this directory, for the invoking user alone.")
@choosing_options(LEFT)
@github_options
@log_options
@key_options
@network_options
@no_progress_option
@verbose_option
@click.pass_context
def check(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    policy: str,
    fail_on: Literal["error", "warning", "note", "never"] | None,
    form: Literal["terminal", "json"],
    explain: bool,
    init: bool,
    directory: Path | None,
    no_progress: bool,
    **told: Any,
) -> None:
    """Judge runs by a policy: 3 when one breaks it, 5 when a capture cannot prove it.

    PATH is a capture as for analyze, or a report.json; captures are one run, each
    report is one by itself.  The built-in policy "awf" is the firewall's own
    promise: agents send placeholders alone, open no way of their own to an API
    and none past Squid, and every open tunnel holds a complete TLS handshake.
    """
    with AtOnce():
        from datetime import date

        from inspector.policy.judge import judge
        from inspector.policy.reading import providers_in, read_policy, with_network

    names = chosen({**told, "directory": directory}, LEFT)
    if directory is not None:
        from inspector.artifacts import check_directory

        check_directory(directory)
    options = options_of(told)
    known = [row.name for row in options.roles().added]
    if explain:
        from inspector.policy.sentences import sentences

        click.echo("\n".join(sentences(read_policy(policy, known))))
        return
    if not paths:
        raise click.UsageError("Missing argument 'PATH...'.", ctx)
    # Stored reports first: they name providers that a policy may speak of, and what the policy
    # says of the network must be known, and right, before hours of packets are read.
    written = {path: report_of((path,), options) for path in paths if report_in(path) is not None}
    for report in written.values():
        known += providers_in(report)
    rules = read_policy(policy, known)
    if fail_on is not None:
        rules = replace(rules, fail_on=None if fail_on == "never" else fail_on)
    judged: list[tuple[str, Report, Judgement]] = []
    interrupted = False
    told_of = with_network(options, rules)
    for name, report in _runs(paths, written, told_of, progress=not no_progress):
        interrupted |= tell_interrupted(report)
        if not report.connections and not interrupted:
            raise NoTcp(report.topology.scope)
        if init:
            from inspector.policy.starting import starting_policy

            click.echo(starting_policy(report), nl=False)
            return
        judged.append((name, report, judge(report, rules, date.today())))
    _show(judged, form)
    unwritten = _leave(judged, directory, names)
    _tell_runner(Runner.told(told), judged, commands_to_stdout=form == "terminal")
    if unwritten is not None:
        raise unwritten
    from inspector.policy.result import worst_of

    ctx.exit(INTERRUPTED if interrupted else worst_of(one.exit_code for _, _, one in judged))


def _runs(
    paths: tuple[str, ...], written: Mapping[str, Report], options: Options, *, progress: bool
) -> Iterator[tuple[str, Report]]:
    """Each report by itself, then what the captures say together; each by its name as shown."""
    from inspector.errors import plain_parts

    for path, report in written.items():
        yield plain_parts(path), report
    captures = tuple(path for path in paths if path not in written)
    if captures:
        with graceful() as stop:
            report = report_of(captures, options, progress=progress, stop=stop)
        yield " ".join(map(plain_parts, captures)), report


def _show(judged: list[tuple[str, Report, Judgement]], form: Literal["terminal", "json"]) -> None:
    from inspector.policy.page import page

    several = len(judged) > 1
    put_told(
        form,
        lambda screen: "".join(
            page(
                judgement,
                report,
                of=name if several else "",
                width=screen.width,
                color=screen.color,
            )
            for name, report, judgement in judged
        ),
        lambda: _result(judged),
    )


def _result(judged: list[tuple[str, Report, Judgement]]) -> dict[str, Any]:
    from inspector.policy.result import of_several, plain

    if len(judged) == 1:
        return plain(judged[0][2])
    return of_several((name, judgement) for name, _, judgement in judged)


def _leave(
    judged: list[tuple[str, Report, Judgement]], directory: Path | None, names: tuple[str, ...]
) -> Exception | None:
    """Write the files; an error is given back, as the judgement was already shown."""
    if directory is None:
        return None
    from inspector.artifacts import Writer, write_files
    from inspector.errors import InspectorError
    from inspector.policy.junit import write_junit
    from inspector.report.formats.json import dumps

    writers: dict[str, Writer] = {
        RESULT: lambda out: _put(out, dumps(_result(judged)) + b"\n"),
        JUNIT: lambda out: write_junit([(name, one) for name, _, one in judged], out),
    }
    try:
        write_files(directory, {name: writers[name] for name in names}).complain()
    except InspectorError as error:
        return error
    return None


def _tell_runner(
    runner: Runner, judged: list[tuple[str, Report, Judgement]], *, commands_to_stdout: bool
) -> None:
    """Summary, outputs and annotations, if a runner is there."""
    if not runner.is_there:
        return
    from inspector.policy import github

    told = [(name, judgement) for name, _, judgement in judged]
    runner.tell(
        lambda already: github.summary(told, already),
        lambda _: github.outputs(told),
        github.annotation_lines(told),
        commands_to_stdout=commands_to_stdout,
    )


def _put(out: BinaryIO, data: bytes) -> None:
    out.write(data)
