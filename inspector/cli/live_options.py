"""What `capture` and `watch` share: options about the bridge, and how they speak."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from inspector.cli.analyze import start_logging, write_page
from inspector.cli.inputs import options_of
from inspector.cli.interrupts import AtOnce
from inspector.cli.parameters import duration_in_seconds, size_in_bytes

if TYPE_CHECKING:
    from inspector.live.capture import Plan
    from inspector.live.session import Session
    from inspector.model.http import Exchange
    from inspector.model.network import Tunnel
    from inspector.model.report import Report

#: What a capture file that holds credentials is called in a directory of results.
RAW_CAPTURE: Final = "capture.raw.pcapng"

#: Imported by `outcome` when the report is there.
_LATE: Final = (
    "inspector.artifacts",
    "inspector.policy.judge",
    "inspector.policy.model",
    "inspector.report.runner",
    "inspector.report.page.markdown",
)

_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option(
        "-i",
        "--interface",
        "interfaces",
        metavar="NAME",
        multiple=True,
        help="The bridge to listen on. Default: the one that has the subnet.",
    ),
    click.option(
        "--netns",
        metavar="NAME",
        help="Look in this network namespace: a name, a path, or a process id.",
    ),
    click.option("--wait", is_flag=True, help="Wait for a bridge that is not there yet."),
    click.option(
        "--full", is_flag=True, help="Keep tunnels whole, not their handshake and headers alone."
    ),
    click.option(
        "--keys",
        is_flag=True,
        help="Read inside TLS: take session secrets from the programs on the bridge, by eBPF.",
    ),
    click.option(
        "-Z",
        "--user",
        metavar="USER",
        help="Parse and write as this user. Default: the one who called sudo.",
    ),
)


def live_options(command: Any) -> Any:
    """Add -i, --netns, --wait, --full, --keys and -Z to a command, in that order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def flush(session: Session) -> None:
    """Show what is held for a batch: a person is waiting for it."""
    session.inspector.flush()


def plan(
    told: Mapping[str, Any],
    verbosity: int,
    *,
    command: tuple[str, ...] = (),
    path: Path | None = None,
    directory: Path | None = None,
    keeps_packets: bool = True,
    rotate: str | None = None,
    raw: bool = False,
    keep_bodies: bool = False,
    keep_ciphertext: bool = False,
    duration: str | None = None,
    max_size: str | None = None,
    ready_file: Path | None = None,
    pid_file: Path | None = None,
) -> Plan:
    """What the options say; `told` holds those of `live_options` and `network_options`."""
    with AtOnce():
        from inspector.live.capture import Plan
        from inspector.live.command import User
        from inspector.live.files import Rotation
        from inspector.live.opening import Wanted
        from inspector.live.run import StopLimits

    start_logging(verbosity)
    options = options_of(told)
    # Of an interface named by hand the network is not known: traffic will tell.
    by_hand = bool(told["interfaces"]) and not (
        told["scope"] or told["subnet"] or told["topology_file"] or told["preset"]
    )
    size, _, count = (rotate or "").partition(":")
    file = path or _within(directory if keeps_packets else None, raw=raw)
    return Plan(
        wanted=Wanted(
            subnets=options.roles().networks,
            interfaces=told["interfaces"],
            netns=told["netns"],
            everything=told["scope"] == "all" or by_hand,
            full=told["full"],
            keys=told["keys"],
            tunnel_ports=tuple(sorted(options.roles().proxy_ports)),
            wait=told["wait"],
            runs_command=bool(command),
            writes=file is not None,
        ),
        options=options,
        user=User.named(told["user"]) if told["user"] else User.invoking(),
        command=command,
        path=file,
        directory=directory,
        rotation=Rotation(size_in_bytes(size), int(count or 0) or None) if rotate else None,
        raw=raw,
        keep_bodies=keep_bodies,
        keep_ciphertext=keep_ciphertext,
        limits=StopLimits(
            duration=None if duration is None else duration_in_seconds(duration),
            size=None if max_size is None else size_in_bytes(max_size),
        ),
        ready_file=ready_file,
        pid_file=pid_file,
    )


def _within(directory: Path | None, *, raw: bool) -> Path | None:
    """The capture file of a directory of results; its name says whether it may be shared."""
    from inspector.report.files import CAPTURE

    return None if directory is None else directory / (RAW_CAPTURE if raw else CAPTURE)


class Printer:
    """Writes the report to standard output in one of the formats; JSON Lines as things end.

    `leaves` are the files that are to be left of it besides.
    """

    def __init__(
        self,
        form: Literal["terminal", "json", "jsonl"],
        verbosity: int,
        *,
        several_files: bool = False,
        leaves: Collection[str] = (),
    ) -> None:
        self._form = form
        self._leaves = leaves
        self._verbosity = verbosity
        self._out = sys.stdout.buffer
        self.on_exchange: Callable[[Exchange], None] | None = None
        self.on_tunnel: Callable[[Tunnel], None] | None = None
        if form == "jsonl":
            from inspector.report.formats.jsonl import JsonLines

            self._lines = JsonLines(self._out, several_files=several_files)
            self.on_exchange, self.on_tunnel = self._lines.exchange, self._lines.tunnel

    def prepare(self) -> None:
        """Load what writing and judging need; render a report of nothing."""
        from importlib import import_module

        from inspector.model.report import nothing_to_analyse
        from inspector.report.files import FILES
        from inspector.report.formats.json import pieces
        from inspector.report.page.terminal import render

        for module in _LATE:
            import_module(module)
        nothing = nothing_to_analyse("")
        render(nothing, color=True, verbosity=1)
        b"".join(pieces(nothing))
        for file in FILES:
            if file.name in self._leaves:
                file.write(nothing, BytesIO())

    def write(self, report: Report) -> None:
        """The report, or what is left of it."""
        if self._form == "terminal":
            write_page(report, self._out, self._verbosity)
        elif self._form == "json":
            from inspector.report.formats.json import write_json

            write_json(report, self._out)
        else:
            self._lines.finish(report)
        self._out.flush()
