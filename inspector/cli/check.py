"""`inspector check`: captures, or a report, judged by a policy."""

from __future__ import annotations

import sys
from typing import Any, Literal

import click

from inspector.cli.analyze import NoTcp, tell_interrupted
from inspector.cli.inputs import is_report, options_of, report_of
from inspector.cli.interrupts import INTERRUPTED, AtOnce
from inspector.cli.main import exit_codes_text, verbose_option
from inspector.cli.network import network_options
from inspector.cli.stopping import graceful
from inspector.report.formats.table import AT_THE_END


@click.command(epilog=exit_codes_text())
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--policy",
    default="awf",
    show_default=True,
    metavar="NAME|FILE",
    help="A built-in policy, or a TOML file (docs/policy.md).",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note", "never"]),
    help="From which level on a finding breaks the policy. Default: as the policy says.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(AT_THE_END),
    default="terminal",
    show_default=True,
    help="Lines for people, or the judgement as JSON.",
)
@network_options
@click.option("--no-progress", is_flag=True, help="No progress line on stderr.")
@verbose_option
@click.pass_context
def check(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    policy: str,
    fail_on: Literal["error", "warning", "note", "never"] | None,
    form: Literal["terminal", "json"],
    no_progress: bool,
    **told: Any,
) -> None:
    """Judge a run by a policy: 3 when it is broken, 5 when the capture cannot prove it.

    PATH is a capture as for analyze, or one report.json.  The built-in policy
    "awf" is the firewall's own promise: agents send placeholders alone, open no
    way of their own to an API and none past Squid, and every open tunnel holds
    a complete TLS handshake.
    """
    with AtOnce():
        from dataclasses import replace
        from datetime import date

        from inspector.cli.screen import Screen
        from inspector.policy.judge import judge
        from inspector.policy.page import page, plain
        from inspector.policy.reading import providers_in, read_policy
        from inspector.report.formats.json import dumps

    options = options_of(told)
    written = report_of(paths, options) if len(paths) == 1 and is_report(paths[0]) else None
    rules = read_policy(
        policy,
        [row.name for row in options.roles().added] if written is None else providers_in(written),
    )
    if fail_on is not None:
        rules = replace(rules, fail_on=None if fail_on == "never" else fail_on)
    with graceful() as stop:
        report = written or report_of(paths, options, progress=not no_progress, stop=stop)
    interrupted = tell_interrupted(report)
    if not report.connections and not interrupted:
        raise NoTcp(report.topology.scope)
    judgement = judge(report, rules, date.today())
    if form == "json":
        data = dumps(plain(judgement)) + b"\n"
    else:
        screen = Screen.of(sys.stdout)
        text = page(judgement, report, width=screen.width, color=screen.color)
        data = text.encode(screen.encoding, "backslashreplace")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    ctx.exit(INTERRUPTED if interrupted else judgement.exit_code)
