"""`inspector fleet`: many runs, one table."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from inspector.cli.group import VERBOSITY, verbose_option
from inspector.cli.help import Described
from inspector.cli.inputs import options_of
from inspector.cli.interrupts import AtOnce
from inspector.cli.messages import say
from inspector.cli.network import key_options, network_options
from inspector.cli.parameters import Duration, Size, duration_in_seconds, size_in_bytes
from inspector.cli.printing import format_option, no_progress_option, output_option, put_told
from inspector.cli.progress import RunsRead
from inspector.report.formats.table import AT_THE_END

if TYPE_CHECKING:
    from datetime import datetime

    from inspector.fleet.engines import Engine
    from inspector.fleet.invocation import Outturn
    from inspector.fleet.settings import FleetSettings
    from inspector.fleet.summary import GroupBy
    from inspector.policy.model import Policy


@click.command(cls=Described)
@click.argument("paths", metavar="[PATH...]", nargs=-1)
@output_option("Where the tables are, and are kept from one invocation to the next.", required=True)
@click.option(
    "--run-id",
    "pattern",
    metavar="PATTERN",
    help="What a run is called, by its path: '{repository}/{run}/*'. Other names are labels.",
)
@click.option(
    "--tables",
    type=click.Choice(["parquet", "jsonl"]),
    help="How tables are written. Default: parquet, if pyarrow is installed.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Processes of this machine, or the workers of a Dask cluster.",
)
@click.option("--scheduler", metavar="ADDRESS", help="The cluster's scheduler: tcp://HOST:8786.")
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Processes. Default: one for each core."
)
@click.option("--rejudge", is_flag=True, help="Judge again what the tables hold already.")
@click.option(
    "--time-limit",
    type=Duration(),
    default="10m",
    show_default=True,
    metavar="DURATION",
    help="Give a run up after this.",
)
@click.option(
    "--memory-limit",
    type=Size(),
    default="1GiB",
    show_default=True,
    metavar="SIZE",
    help="Give a run up whose process asks for more.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Count runs from this day on, and tell what no run before it had.",
)
@click.option(
    "--group-by",
    type=click.Choice(["cause", "client", "provider", "repository", "week"]),
    default="cause",
    show_default=True,
    help="What the runs are counted by besides causes and weeks.",
)
@click.option(
    "--policy",
    "policies",
    metavar="[REPOSITORY=]NAME|FILE",
    multiple=True,
    help="Judge runs by a policy (docs/policy.md): all, or those of a repository.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note"]),
    help="End with 3 when a run has a finding of this level or above, with 5 when one cannot "
    "prove that it has none.",
)
@format_option(AT_THE_END, "A page for people, or the same as JSON.")
@network_options
@key_options
@no_progress_option
@verbose_option
@click.pass_context
def fleet(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    directory: Path,
    pattern: str | None,
    tables: str | None,
    engine: Literal["local", "dask"],
    scheduler: str | None,
    jobs: int | None,
    rejudge: bool,
    time_limit: str,
    memory_limit: str,
    since: datetime | None,
    group_by: GroupBy,
    policies: tuple[str, ...],
    fail_on: Literal["error", "warning", "note"] | None,
    form: Literal["terminal", "json"],
    no_progress: bool,
    **told: Any,
) -> None:
    """Judge many runs, each by itself, into tables: one row a run.

    PATH is a folder of runs, a capture, a report.json, a zip of artifacts, a
    pattern of them, or a URL such as s3://bucket/runs. What is in the tables of
    DIR already is not read again. Without PATH the page of DIR is shown.
    """
    with AtOnce():
        from inspector.artifacts import write_files
        from inspector.errors import plain_parts
        from inspector.fleet.html.write import PAGE, write_html
        from inspector.fleet.invocation import judge_all
        from inspector.fleet.page import render
        from inspector.fleet.run_ids import PathPattern
        from inspector.fleet.store import Store, is_fleet
        from inspector.fleet.summary import summarise
        from inspector.fleet.told import plain_summary

    if not paths and not is_fleet(directory):
        raise click.UsageError("Missing argument 'PATH...': there are no tables in DIR yet.", ctx)
    for option, is_given in (("--policy", policies), ("--rejudge", rejudge), ("--run-id", pattern)):
        if is_given and not paths:
            raise click.UsageError(f"{option} is for what is judged: name the runs again.", ctx)
    named = None if pattern is None else PathPattern(pattern)
    settings = _settings(told, policies, time_limit, memory_limit)
    chosen = _engine(ctx, engine, scheduler, jobs)
    store = Store.opened(directory, tables)
    if paths:
        with RunsRead(wanted=not no_progress) as progress:
            outturn = judge_all(
                paths,
                store,
                settings,
                chosen,
                pattern=named,
                rejudge=rejudge,
                on_progress=progress,
            )
        if not outturn.found:
            from inspector.errors import NotACapture

            raise NotACapture(
                "No run was found in what was named",
                "A run is a folder with captures or a report.json (docs/fleet.md)",
            )
        say(_told(outturn))
    elif store.lags:
        say("Another invocation judges into DIR: what is not in its tables yet is not counted.")
    summary = summarise(store, since=None if since is None else since.date(), group_by=group_by)
    write_files(
        directory, {PAGE: lambda out: write_html(summary, plain_parts(directory.name), out)}
    ).complain()
    code = summary.exit_code(fail_on)
    put_told(
        form,
        lambda screen: render(
            summary,
            plain_parts(str(directory)),
            width=screen.width,
            color=screen.color,
            verbose=bool(ctx.meta.get(VERBOSITY, 0)),
        ),
        lambda: plain_summary(summary, code),
    )
    ctx.exit(code)


def _told(outturn: Outturn) -> str:
    """What was done, in a sentence."""
    failed = sum(outturn.failures.values())
    return (
        f"{outturn.found:,} runs were found: {outturn.judged:,} judged, of which {failed:,} could"
        f" not be, and {outturn.unread + outturn.unchanged:,} that the tables hold already."
    )


def _policies(told: tuple[str, ...], known: list[str]) -> dict[str, Policy]:
    """The policies by repository; "" is that of all others."""
    from inspector.policy.reading import read_policy
    from inspector.provenance import OF_GITHUB

    _, grammar = OF_GITHUB["repository"]
    found: dict[str, Policy] = {}
    for text in told:
        repository, equals, name = text.partition("=")
        if not equals or not grammar.fullmatch(repository):
            repository, name = "", text
        if repository in found:
            raise click.UsageError(f"--policy is given twice for {repository or 'all runs'}.")
        found[repository] = read_policy(name, known)
    return found


def _settings(
    told: dict[str, Any], policies: tuple[str, ...], time_limit: str, memory_limit: str
) -> FleetSettings:
    import secrets
    from datetime import UTC, datetime

    from inspector.fact import replace
    from inspector.fleet.settings import LEAST_MEMORY, FleetSettings
    from inspector.inspection import FINGERPRINT_KEY_BYTES

    if (memory := size_in_bytes(memory_limit)) < LEAST_MEMORY:
        least = f"{LEAST_MEMORY >> 20} MiB"
        raise click.UsageError(f"--memory-limit is below {least}: a process needs that to begin.")
    options = options_of(told)
    key = options.fingerprint_key
    options = replace(
        options,
        finds_keys=True,
        fingerprint_key=key or secrets.token_bytes(FINGERPRINT_KEY_BYTES),
    )
    judged_by = _policies(policies, [row.name for row in options.roles().added])
    if "" in judged_by:
        from inspector.policy.reading import with_network

        options = with_network(options, judged_by[""])
    return FleetSettings(
        options=options,
        policies=judged_by,
        today=datetime.now(UTC).date(),
        draws_key=key is None,
        time_limit=duration_in_seconds(time_limit),
        memory_limit=memory,
    ).sealed()


def _engine(
    ctx: click.Context, name: Literal["local", "dask"], scheduler: str | None, jobs: int | None
) -> Engine:
    from inspector.fleet import engines

    if name == "local":
        if scheduler is not None:
            raise click.UsageError("--scheduler is of --engine dask.", ctx)
        return partial(engines.local, jobs=jobs or 0)
    if scheduler is None:
        raise click.UsageError("--engine dask needs --scheduler ADDRESS.", ctx)
    return partial(engines.dask, scheduler=scheduler)
