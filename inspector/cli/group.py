"""`inspector`: the group of commands, and how a run ends.

A command's module is imported when it is called, and imports what it needs
when it runs: `inspector --help` stays under 0.2 s.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import click

from inspector.cli.discretion import discreet, typed
from inspector.cli.interrupts import INTERRUPTED, SENTENCE, no_more
from inspector.cli.streams import ReaderLeft, standing
from inspector.errors import InspectorError

#: Command -> the module that defines it under the same name.
COMMANDS: Final[Mapping[str, str]] = MappingProxyType({
    "analyze": "inspector.cli.analyze",
    "capture": "inspector.cli.capture",
    "check": "inspector.cli.check",
    "compare": "inspector.cli.compare",
    "completion": "inspector.cli.completion",
    "doctor": "inspector.cli.doctor",
    "explain": "inspector.cli.explain",
    "fleet": "inspector.cli.fleet",
    "help": "inspector.cli.help",
    "redact": "inspector.cli.redact",
    "schema": "inspector.cli.schemas",
    "show": "inspector.cli.show",
    "verify": "inspector.cli.verify",
    "watch": "inspector.cli.watch",
})  # fmt: skip

#: New objects between two looks of the collector of cycles.  Facts make none, so that at Python's
#: own 700 a tenth of an analysis went by with looking at them in vain (7,600 calls, CPython 3.11).
#: A small capture makes fewer, its modules included, which are looked at in vain as well.
_COLLECT_EVERY: Final = 60_000
#: Where the count of -v is kept for all commands of a run.
VERBOSITY: Final = "inspector.verbosity"


def verbose_option(command: Any) -> Any:
    """The option -v, which counts on the group and on its commands together."""

    def add(ctx: click.Context, _: click.Parameter, count: int) -> None:
        ctx.meta[VERBOSITY] = ctx.meta.get(VERBOSITY, 0) + count

    return click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        is_eager=True,  # before --version, which is told by it how much to say
        callback=add,
        help="More detail; twice also logs and tracebacks on stderr.",
    )(command)


class Commands(click.Group):
    """A group that imports a command when it is asked for, and ends runs politely."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(import_module(module), cmd_name)
        return command

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        return ["-h", "--help"]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; a word that is no command is answered with what it may have meant."""
        if not args[0].startswith("-") and args[0] not in COMMANDS:
            from inspector.cli.help import commands_near
            from inspector.errors import quoted

            meant = commands_near(args[0], self.list_commands(ctx))
            raise click.UsageError(f"There is no command {quoted(args[0])}. {meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from inspector.cli.help import chapters

        chapters(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from inspector.cli.help import exit_codes

        exit_codes(formatter)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run as a program, which ends with its exit code; or, not standalone, as a function.

        Standard streams are those of the process, unless somebody put others in their place.
        """
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        is_program = sys.stdout is sys.__stdout__
        try:
            with ExitStack() as held:
                streams = None
                if is_program:
                    from inspector.coredumps import forbid

                    forbid()
                    gc.set_threshold(_COLLECT_EVERY)
                    streams = held.enter_context(standing())
                code = self._run(args, prog_name, complete_var, **extra)
                if streams is not None and (failure := streams.failure()):
                    _say(failure)
                    code = code or 1
        except KeyboardInterrupt:
            _say(SENTENCE)
            code = INTERRUPTED
        if is_program:
            no_more()
            gc.freeze()  # the process ends: nothing is looked through once more for cycles
        sys.exit(code)

    def _run(
        self,
        args: Sequence[str] | None,
        prog_name: str | None,
        complete_var: str | None,
        **extra: Any,
    ) -> int:
        """The exit code of a run; what went wrong was said."""
        typed(sys.argv[1:] if args is None else args)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as error:
            _show(error)
            return error.exit_code
        except click.Abort:  # what click makes of KeyboardInterrupt
            _say(SENTENCE)
            return INTERRUPTED
        return code if isinstance(code, int) else 0

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever it raises becomes a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except ReaderLeft:
            ctx.exit(0)
        except click.ClickException as error:
            _show(error)
            ctx.exit(error.exit_code)
        except (click.exceptions.Exit, click.Abort):
            raise
        except InspectorError as error:
            _explain(ctx, str(error), error)
            ctx.exit(error.exit_code)
        except Exception as error:
            _explain(ctx, _bug_report(error), error)
            ctx.exit(1)


@click.group(cls=Commands)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    callback=lambda ctx, _, wanted: _tell_version(ctx) if wanted else None,
    help="The version; with -v also which engine reads packets, and all that it runs on.",
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    envvar="INSPECTOR_CONFIG",
    show_envvar=True,
    expose_value=False,
    is_eager=True,
    callback=lambda ctx, _, path: _configure(ctx, path),
    help="Defaults of options from this TOML file (docs/configuration.md). Default: "
    "inspector/config.toml in $XDG_CONFIG_HOME or ~/.config.",
)
@verbose_option
def main() -> None:
    """Who sent which credentials through the agent's firewall, and what came back.

    Reads packets, not logs: from a capture of the bridge it tells which client
    sent which auth headers to which provider, what was answered, and which
    CONNECT tunnels were merely opened.
    """


def _tell_version(ctx: click.Context) -> None:
    from inspector.model.provenance import this_tool

    tool = this_tool()
    click.echo(f"{tool.name} {tool.version}")
    if ctx.meta.get(VERBOSITY):
        from inspector.native.library import loaded

        core = loaded()
        click.echo(f"core: pure ({core.why_not})" if core.core is None else "core: native")
        from inspector.cli.versions import versions

        click.echo("".join(f"{name} {version}\n" for name, version in versions()), nl=False)
    ctx.exit()


def _configure(ctx: click.Context, named: str | None) -> None:
    if ctx.resilient_parsing:
        return  # a shell completes a line
    from inspector.cli.configuration import defaults

    try:
        found = defaults(named)
    except InspectorError as error:
        _say(str(error))
        ctx.exit(error.exit_code)
    ctx.default_map = {command: found.of(command) for command in COMMANDS}
    if found.left_out:
        _say(
            f"{' and '.join(found.left_out)} of your configuration: not used by root, which opens "
            "what its own command line names. Give the option."
        )


def _show(error: click.ClickException) -> None:
    """Tell of a usage error as click does.  It quotes arguments: hostile names, or keys."""
    from inspector.report.page.escape import defused

    shown = io.StringIO()
    error.show(shown)
    click.echo(defused(discreet(shown.getvalue())), err=True, nl=False)


def _say(sentence: str) -> None:
    from inspector.cli.messages import say

    say(sentence)


def _explain(ctx: click.Context, sentence: str, error: BaseException) -> None:
    if ctx.meta.get(VERBOSITY, 0) >= 2:
        click.echo(_traceback(error), err=True, nl=False)
    _say(sentence)


def _bug_report(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        culprit = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        return f"{culprit}. The operating system refused; this says nothing about the capture."
    if isinstance(error, MemoryError):
        return "Out of memory. Try --scope subnet, or cut the capture into several files."
    return (
        f"{type(error).__name__} in {_origin(error)}. This is a bug in inspector, not in your "
        "capture or its use. Run again with -vv and report what it prints."
    )


def _origin(error: BaseException) -> str:
    trace = error.__traceback__
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f"{code.co_qualname} ({os.path.basename(code.co_filename)}:{trace.tb_lineno})"  # noqa: PTH119


def _traceback(error: BaseException) -> str:
    """Where it was raised.  An exception's own text may quote captured bytes: only ours is told."""
    import traceback

    from inspector.report.page.escape import defused, visible

    lines = ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    text = "" if not isinstance(error, InspectorError) else f": {visible(discreet(str(error)))}"
    return defused("".join([*lines, f"{type(error).__name__}{text}\n"]))
