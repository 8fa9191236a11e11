"""Reports to work on: made from captures, or read back from a `report.json`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inspector.cli.interrupts import AtOnce
from inspector.cli.labels import labels_of
from inspector.cli.network import key_bytes
from inspector.errors import JsonText, plain
from inspector.regex import regex

if TYPE_CHECKING:
    from inspector.cli.stopping import Stop
    from inspector.model.report import Report
    from inspector.options import Options

#: What -o calls a report.
REPORT: Final = "report.json"

#: Unknown members that are named, and how much of each.
_FEW: Final = 5
_SHOWN: Final = 40
#: Where a word of a class's name begins.
_WORDS: Final = regex(r"(?<=[a-z])(?=[A-Z])")


def options_of(told: Mapping[str, Any]) -> Options:
    """The inspection's options from the values of `network_options`."""
    with AtOnce():
        from inspector.options import Options

    return Options(
        scope=told["scope"],
        subnet=told["subnet"],
        agents=told["agents"],
        api_proxies=told["api_proxies"],
        forward_proxies=told["forward_proxies"],
        topology_file=told["topology_file"],
        preset=told.get("preset"),
        auth_headers=told["auth_headers"],
        kept_headers=told["kept_headers"],
        fingerprint_key=key_bytes(told["fingerprint_key"]),
        logs=(*told.get("squid_logs", ()), *told.get("proxy_logs", ())),
        labels=labels_of(told["labels"]) if "labels" in told else {},
        key_logs=told.get("key_logs", ()),
        decrypts=not told.get("no_decrypt", False),
    )


def report_of(
    paths: tuple[str, ...], options: Options, *, progress: bool = True, stop: Stop | None = None
) -> Report:
    """The report of captures, or the one that a single JSON file, or standard input, holds."""
    written = stored_report(paths, options)
    if written is not None:
        return written
    from inspector.capture_files import inspect_captures
    from inspector.cli.progress import Progress

    try:
        with Progress(wanted=progress) as told:
            return inspect_captures(paths, options, on_progress=told, stop=stop)
    except JsonText as error:
        return piped_report(paths, error)


def stored_report(paths: Sequence[str], options: Options) -> Report | None:
    """The report that the only one of some paths holds; None where it is to be read as a capture.

    Whether standard input holds one is known when it was begun to be read: see `piped_report`.
    """
    written = report_in(paths[0]) if len(paths) == 1 else None
    if written is None:
        return None
    if options.logs or options.key_logs:
        from inspector.cli.messages import say

        say("A report that was stored is shown as it is: logs and key logs are read with captures.")
    return _loaded(written)


def piped_report(paths: Sequence[str], error: JsonText) -> Report:
    """The report on standard input, whose first bytes were taken for a capture's.

    Raises `error` again where they come from anywhere else.
    """
    if tuple(paths) != ("-",):
        raise error
    from inspector.report.formats.stored import REPORT_LIMIT, parse_report

    data = error.head + sys.stdin.buffer.read(REPORT_LIMIT)
    return _noted("standard input", partial(parse_report, data, "standard input"))


def report_in(name: str) -> Path | None:
    """The file that is to be read as a report: JSON, or that of a directory of results.

    A directory that holds a capture, and not redacted copies alone, is one of captures.
    """
    path = Path(name)
    try:
        if path.is_dir():
            return report_in(str(path / REPORT)) if _is_of_results(path) else None
        if not path.is_file():
            return None  # what a pipe gives is gone when it is looked at
        with path.open("rb") as file:
            return path if file.read(64).lstrip()[:1] == b"{" else None
    except OSError:
        return None  # `-`, or nothing: the reader of captures says which


def _is_of_results(directory: Path) -> bool:
    from inspector.pcap.locate import holds_copies_alone

    return holds_copies_alone(directory)


def _loaded(path: Path) -> Report:
    from inspector.report.formats.stored import read_report

    return _noted(path, partial(read_report, path))


def _noted(name: Path | str, read: Callable[..., Report]) -> Report:
    """A report that is read, once what in it is not known was told."""
    from inspector.cli.messages import say

    unknown: list[tuple[str, str]] = []
    report = read(on_unknown=lambda of, member: unknown.append((of, member)))
    if unknown:
        say(_not_known(name, unknown))
    return report


def _not_known(path: Path | str, unknown: Sequence[tuple[str, str]]) -> str:
    """The sentence that names what a later version wrote; captured or hostile text is escaped."""
    named = [
        f"{_WORDS.sub(' ', of).lower()} {plain(member[:_SHOWN])}" for of, member in unknown[:_FEW]
    ]
    more = len(unknown) - len(named)
    listed = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    return (
        f"{path} names what this version does not know: {listed}. Nothing is concluded from them;"
        " a later version of inspector may know them."
    )
