"""Reports to work on: made from captures, or read back from a `report.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inspector.cli.interrupts import AtOnce
from inspector.cli.network import key_bytes
from inspector.errors import InspectorError

if TYPE_CHECKING:
    from inspector.cli.stopping import Stop
    from inspector.inspection import Options
    from inspector.model.report import Report

#: A report that is read whole into memory; one of 100,000 exchanges has some 200 MB.
_LONGEST: Final = 1 << 30


class ReportUnreadable(InspectorError):
    """JSON that is no report of this program."""


def options_of(told: Mapping[str, Any]) -> Options:
    """The inspection's options from the values of `network_options`."""
    with AtOnce():
        from inspector.inspection import Options

    return Options(
        scope=told["scope"],
        subnet=told["subnet"],
        agents=told["agents"],
        api_proxies=told["api_proxies"],
        forward_proxies=told["forward_proxies"],
        topology_file=told["topology_file"],
        auth_headers=told["auth_headers"],
        fingerprint_key=key_bytes(told["fingerprint_key"]),
    )


def report_of(
    paths: tuple[str, ...], options: Options, *, progress: bool = True, stop: Stop | None = None
) -> Report:
    """The report of captures, or the one that a single JSON file holds."""
    if len(paths) == 1 and is_report(paths[0]):
        return _loaded(Path(paths[0]))
    from inspector.cli.progress import Progress
    from inspector.inspection import inspect_captures

    with Progress(wanted=progress) as told:
        return inspect_captures(paths, options, on_progress=told, stop=stop)


def is_report(name: str) -> bool:
    """Whether a file holds JSON, and is to be read as a report."""
    try:
        if not Path(name).is_file():
            return False  # what a pipe gives is gone when it is looked at
        with Path(name).open("rb") as file:
            return file.read(64).lstrip()[:1] == b"{"
    except OSError:
        return False  # a directory, `-`, or nothing: the reader of captures says which


def _loaded(path: Path) -> Report:
    from inspector.report.formats.whole import NotAReport, from_dict

    try:
        if path.stat().st_size > _LONGEST:
            raise NotAReport("the file is longer than any report")
        plain = json.loads(path.read_bytes())
        return from_dict(plain)
    except (NotAReport, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, NotAReport) else "it is no JSON"
        raise ReportUnreadable(
            f"{path} is no inspector report: {why}",
            "Give a capture, or what --format json or -o wrote",
        ) from None
