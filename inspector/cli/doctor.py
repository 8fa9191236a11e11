"""`inspector doctor`: what this machine can do for a live capture, with remedies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from inspector.cli.group import verbose_option
from inspector.cli.help import Described
from inspector.cli.network import subnet_option
from inspector.cli.printing import format_option
from inspector.report.formats.table import AT_THE_END

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inspector.linux.probes import Check


@click.command(cls=Described)
@subnet_option
@click.option(
    "--netns",
    metavar="NAME",
    help="Look in this network namespace: a name, a path, or a process id.",
)
@format_option(AT_THE_END, "A page for people, or JSON.")
@verbose_option
def doctor(subnet: tuple[str, ...], netns: str | None, form: Literal["terminal", "json"]) -> None:
    """Tell what this machine can do for a live capture.

    Rung by rung: privileges, kernel, bridge, containers, programs, disk. Each
    answers yes, no or could not tell, with what is lost without it and how to
    get it. Nothing is changed, and nothing captured.
    """
    from inspector.linux.namespaces import locate_namespace
    from inspector.linux.probes import Machine, examine
    from inspector.options import Options

    checks = examine(
        Machine(
            subnets=Options(subnet=subnet).roles().networks,
            netns=None if netns is None else locate_namespace(netns),
            place=Path.cwd(),
        )
    )
    click.echo(_json(checks) if form == "json" else _page(checks), nl=False)


def _page(checks: Sequence[Check]) -> str:
    from inspector.report.page.escape import defused, visible

    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        told = check.answer if check.answer != "could not tell" else "?"
        lines.append(f"{told:<4} {check.name:<{width}}  {check.detail}".rstrip())
        if check.answer != "yes":
            kernel = "" if check.kernel == "any" else f" (Linux {check.kernel} or newer)"
            lines.append(f"     {'':<{width}}  without it: {check.without}")
            lines.append(f"     {'':<{width}}  remedy: {check.remedy}{kernel}")
    return "".join(f"{defused(visible(line))}\n" for line in lines)


def _json(checks: Sequence[Check]) -> str:
    import platform
    from dataclasses import asdict

    import orjson

    from inspector.cli.doctored import SCHEMA, DoctorResult

    answer = DoctorResult(SCHEMA, platform.release(), tuple(checks))
    return orjson.dumps(asdict(answer), option=orjson.OPT_INDENT_2).decode() + "\n"
