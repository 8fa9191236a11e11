"""`inspector analyze`: options to `inspection.Options`, the report to stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import click

from inspector.cli.main import VERBOSITY, exit_codes_text, verbose_option
from inspector.cli.parameters import Address, HeaderName, Service, Subnet
from inspector.cli.progress import Progress
from inspector.errors import InspectorError

if TYPE_CHECKING:
    from inspector.facts import Exchange, Tunnel
    from inspector.inspection import Options
    from inspector.report.model import Report

NOTHING_TO_ANALYSE = 4

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command(epilog=exit_codes_text())
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "jsonl"]),
    default="terminal",
    show_default=True,
    help="A page for people, the whole report as JSON, or exchanges line by line as they end.",
)
@click.option(
    "--scope",
    type=click.Choice(["subnet", "all"]),
    help="Connections that touch the subnet, or every TCP connection. "
    "Default: subnet if the capture has traffic of it, else all.",
)
@click.option(
    "--subnet", type=Subnet(), metavar="CIDR", help="The bridge network. Default: 172.30.0.0/24."
)
@click.option(
    "--agent", "agents", type=Address(), metavar="IP", multiple=True, help="An agent's address."
)
@click.option(
    "--api-proxy",
    "api_proxies",
    type=Address(),
    metavar="IP",
    multiple=True,
    help="An address of the API proxy.",
)
@click.option(
    "--squid",
    "forward_proxies",
    type=Service(),
    metavar="IP[:PORT]",
    multiple=True,
    help="An address of the forward proxy.",
)
@click.option(
    "--topology",
    "topology_file",
    type=_FILE,
    metavar="FILE",
    help="Roles, addresses and provider ports from a TOML file.",
)
@click.option(
    "--auth-header",
    "auth_headers",
    type=HeaderName(),
    metavar="NAME",
    multiple=True,
    help="A further header that carries a credential.",
)
@click.option(
    "--fingerprint-key",
    type=_FILE,
    metavar="FILE",
    help="Key for the fingerprints of credentials, so that runs can be compared. "
    "Default: a new one for each run.",
)
@click.option("--no-progress", is_flag=True, help="No progress line on stderr.")
@verbose_option
@click.pass_context
def analyze(
    ctx: click.Context,
    paths: tuple[str, ...],
    form: Literal["terminal", "json", "jsonl"],
    scope: Literal["subnet", "all"] | None,
    subnet: str | None,
    agents: tuple[str, ...],
    api_proxies: tuple[str, ...],
    forward_proxies: tuple[str, ...],
    topology_file: Path | None,
    auth_headers: tuple[str, ...],
    fingerprint_key: Path | None,
    no_progress: bool,
) -> None:
    """Tell who sent which credentials to whom, and what was answered.

    PATH is a capture file (pcap, pcapng; also gzip or zstd), a directory with
    one and the logs beside it, or - for standard input.  Several are merged
    by time.
    """
    from inspector.inspection import Options

    verbosity = ctx.meta.get(VERBOSITY, 0)
    _start_logging(verbosity)
    options = Options(
        scope=scope,
        subnet=subnet,
        agents=agents,
        api_proxies=api_proxies,
        forward_proxies=forward_proxies,
        topology_file=topology_file,
        auth_headers=auth_headers,
        fingerprint_key=_key(fingerprint_key),
    )
    out = sys.stdout.buffer
    on_exchange: Callable[[Exchange], None] | None = None
    on_tunnel: Callable[[Tunnel], None] | None = None
    write: Callable[[Report], None]
    if form == "jsonl":
        from inspector.report.jsonl import JsonLines

        lines = JsonLines(out, several_files=_several_files(paths))
        on_exchange, on_tunnel = lines.exchange, lines.tunnel
        write = lines.finish
    elif form == "json":
        from inspector.report.json import write_json

        write = partial(write_json, out=out)
    else:
        write = partial(_write_page, out=out, verbosity=verbosity)

    with Progress(wanted=not no_progress) as progress:
        report, trouble = _inspect(paths, options, progress, on_exchange, on_tunnel)
    if form != "terminal" or trouble is None:
        write(report)
        out.flush()
    if trouble is not None:
        raise trouble
    if not report.connections:
        raise _NoTcp(report.topology.scope)


class _NoTcp(InspectorError):
    exit_code = NOTHING_TO_ANALYSE

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"No TCP connection in scope ({scope})",
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
) -> tuple[Report, InspectorError | None]:
    from inspector.inspection import inspect_captures
    from inspector.report.model import nothing_to_analyse

    try:
        report = inspect_captures(
            paths, options, on_progress=progress, on_exchange=on_exchange, on_tunnel=on_tunnel
        )
    except InspectorError as error:
        if error.exit_code != NOTHING_TO_ANALYSE:
            raise
        return nothing_to_analyse(error.culprit), error
    return report, None


def _several_files(paths: tuple[str, ...]) -> bool:
    from inspector.pcap.locate import locate

    try:
        return sum(len(locate(path).captures) for path in paths) > 1
    except InspectorError:
        return len(paths) > 1  # the inspection will meet the same error, and tell it


def _write_page(report: Report, out: BinaryIO, verbosity: int) -> None:
    from inspector.cli.screen import Screen
    from inspector.report.terminal import render

    screen = Screen.of(sys.stdout)
    page = render(report, width=screen.width, color=screen.color, verbosity=verbosity)
    out.write(page.encode(screen.encoding, "backslashreplace"))


def _key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    key = path.read_bytes()
    if not key:
        raise click.BadParameter(
            f"{click.format_filename(path)} is empty: fingerprints need a key.",
            param_hint="--fingerprint-key",
        )
    return key


def _start_logging(verbosity: int) -> None:
    if verbosity < 2:
        return
    import logging

    logging.basicConfig(
        level=logging.DEBUG, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
