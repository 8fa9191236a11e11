"""`inspector watch`: what happens on the bridge, a line for each exchange and tunnel."""

from __future__ import annotations

import sys
from typing import Any, Literal

import click

from inspector.cli.group import VERBOSITY, verbose_option
from inspector.cli.help import Described
from inspector.cli.interrupts import AtOnce
from inspector.cli.live_options import Printer, flush, live_options, plan
from inspector.cli.messages import say
from inspector.cli.network import network_options
from inspector.cli.parameters import Duration
from inspector.cli.printing import format_option
from inspector.cli.streams import only_for_reader
from inspector.errors import ExitCode
from inspector.report.formats.table import AS_IT_GOES


@click.command(cls=Described)
@live_options
@format_option(AS_IT_GOES, "Lines for people, or JSON Lines.")
@click.option("--duration", type=Duration(), metavar="TIME", help="End after 30s, 5m or 2h.")
@network_options
@verbose_option
@click.pass_context
def watch(
    ctx: click.Context,
    /,
    form: Literal["terminal", "jsonl"],
    duration: str | None,
    **live: Any,
) -> None:
    """Show each exchange and each tunnel as it ends; write nothing.

    Space or p pauses, q or Ctrl-C ends.
    """
    with AtOnce():
        from inspector.fact import replace
        from inspector.live.capture import Watchers, capture

    planned = plan(live, ctx.meta.get(VERBOSITY, 0), duration=duration)
    if planned.options.scope is None:
        # Nothing is told before the scope is known, and a watcher wants to see at once.
        scope: Literal["subnet", "all"] = "all" if planned.wanted.everything else "subnet"
        planned = replace(planned, options=replace(planned.options, scope=scope))
    if form == "jsonl":
        printer = Printer(form, 0)
        watchers = Watchers(
            printer.on_exchange,
            printer.on_tunnel,
            on_tick=flush,
            prepare=printer.prepare,
            tell=say,
        )
        with only_for_reader():
            outcome = capture(planned, watchers)
        printer.write(outcome.report)
    else:
        from inspector.cli.screen import Screen
        from inspector.live.line_screen import line_watchers

        screen = Screen.of(sys.stdout)
        with (
            line_watchers(color=screen.color, encoding=screen.encoding, tell=say) as watchers,
            only_for_reader(),
        ):
            outcome = capture(planned, watchers)
    # A quiet bridge that was watched is no failure.
    ctx.exit(0 if outcome.exit_code == ExitCode.NOTHING_TO_ANALYSE else outcome.exit_code)
