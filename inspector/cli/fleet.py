"""`inspector fleet`: many runs, one table."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from inspector.cli.inputs import options_of
from inspector.cli.interrupts import AtOnce
from inspector.cli.main import exit_codes_text, verbose_option
from inspector.cli.network import key_options, network_options
from inspector.cli.parameters import Duration, Size, duration_in_seconds, size_in_bytes

if TYPE_CHECKING:
    from inspector.fleet.engines import Engine
    from inspector.fleet.invocation import Outturn
    from inspector.fleet.settings import FleetSettings


@click.command(epilog=exit_codes_text())
@click.argument("paths", metavar="[PATH...]", nargs=-1)
@click.option(
    "-o",
    "--output",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    required=True,
    help="Where the tables are, and are kept from one invocation to the next.",
)
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
@network_options
@key_options
@click.option("--no-progress", is_flag=True, help="No progress line on stderr.")
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
    no_progress: bool,
    **told: Any,
) -> None:
    """Judge many runs, each by itself, into tables: one row a run.

    PATH is a folder of runs, a capture, a report.json, a zip of artifacts, a
    pattern of them, or a URL such as s3://bucket/runs. What is in the tables of
    DIR already is not read again. Without PATH the page of DIR is shown.
    """
    with AtOnce():
        from inspector.fleet.invocation import judge_all
        from inspector.fleet.run_ids import PathPattern
        from inspector.fleet.store import Store

    named = None if pattern is None else PathPattern(pattern)
    settings = _settings(told, time_limit, memory_limit)
    chosen = _engine(ctx, engine, scheduler, jobs)
    store = Store.opened(directory, tables)
    if paths:
        tally = judge_all(paths, store, settings, chosen, pattern=named, rejudge=rejudge)
        if not tally.found:
            from inspector.errors import NotACapture

            raise NotACapture(
                "No run was found in what was named",
                "A run is a folder with captures or a report.json (docs/fleet.md)",
            )
        sys.stdout.write(_told(tally))


def _told(tally: Outturn) -> str:
    failed = sum(tally.failures.values())
    return (
        f"{tally.found} runs: {tally.judged} judged ({failed} not readable),"
        f" {tally.unread + tally.unchanged} in the tables already\n"
    )


def _settings(told: dict[str, Any], time_limit: str, memory_limit: str) -> FleetSettings:
    import secrets
    from dataclasses import replace
    from datetime import UTC, datetime

    from inspector.fleet.settings import FleetSettings
    from inspector.inspection import FINGERPRINT_KEY_BYTES

    options = options_of(told)
    key = options.fingerprint_key
    options = replace(
        options,
        finds_keys=True,
        fingerprint_key=key or secrets.token_bytes(FINGERPRINT_KEY_BYTES),
    )
    return FleetSettings(
        options=options,
        today=datetime.now(UTC).date(),
        draws_key=key is None,
        time_limit=duration_in_seconds(time_limit),
        memory_limit=size_in_bytes(memory_limit),
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
