"""`show --extract`: the packets of one thing of a report, from the capture that it was made of."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from inspector.cli.inputs import report_in
from inspector.cli.messages import say
from inspector.errors import ExitCode, InspectorError
from inspector.wire import FILE_SHIFT

if TYPE_CHECKING:
    from inspector.model.capture import CaptureFile
    from inspector.model.report import Report
    from inspector.redaction import RedactionSummary
    from inspector.report.detail.facts import Detail

#: What -o calls the copy of a capture, and the copies of several.
_COPY: Final = "capture.redacted.pcapng"
_COPIES: Final = "capture-{}.redacted.pcapng"


class NoCapture(InspectorError):
    """The capture that a report was made of is not to be had."""

    exit_code = ExitCode.USAGE


def check_target(target: Path, force: bool) -> None:
    """Raise a usage error where nothing may be written, before a capture is read."""
    name = click.format_filename(target)
    if target.is_dir():
        raise click.UsageError(f"{name} is a directory; name a file in it.")
    if (target.exists() or target.is_symlink()) and not force:
        raise click.UsageError(f"{name} is there; --force replaces it.")
    from inspector.artifacts import check_directory

    check_directory(target.parent)


def extract(
    path: str,
    report: Report,
    detail: Detail,
    target: Path,
    *,
    auth_headers: Sequence[str],
    kept_headers: Sequence[str],
) -> None:
    """Write the packets of `detail` into `target`, masked, and say how many they are."""
    from inspector.artifacts import write_file
    from inspector.redaction.extract import ConnectionRange, extract_into

    capture = capture_of(path, report, detail)
    if target.exists() and os.path.samefile(capture, target):  # noqa: PTH121
        raise click.UsageError("The capture and OUT are the same file.")
    ranges = [
        ConnectionRange(each.client, each.server, each.since_at, each.until_at)
        for each in detail.packet_ranges
    ]

    def write(out: BinaryIO) -> RedactionSummary:
        return extract_into(
            str(capture), out, ranges, auth_headers=auth_headers, kept_headers=kept_headers
        )

    summary = write_file(target, write)
    plural = "" if summary.packets == 1 else "s"
    say(f"{summary.packets} packet{plural} of {detail.id} in {click.format_filename(target)}")
    for line in () if summary.audit is None else summary.audit.told:
        say(line)


def capture_of(path: str, report: Report, detail: Detail) -> Path:
    """The capture file that holds the packets of `detail`.

    Of a stored report it is the file that this names, if it is unchanged, or the copy beside the
    report.  Raises `NoCapture` where neither is there, or the packets are in several files.
    """
    packets = [step.packet for step in detail.steps if step.packet is not None]
    files = sorted({packet >> FILE_SHIFT for packet in packets})
    if len(files) != 1 or files[0] >= len(report.captures):
        raise NoCapture(
            f"The packets of {detail.id} are in {len(files)} captures",
            "Merge the captures first, with mergecap",
        )
    [index] = files
    capture = report.captures[index]
    written = report_in(path)
    if written is None:
        return _located(path, index)
    beside = written.parent
    copy = _COPY if len(report.captures) == 1 else _COPIES.format(index + 1)
    for candidate in (Path(capture.name), beside / Path(capture.name).name):
        if candidate.is_file() and _is_same(candidate, capture):
            return candidate
    if (beside / copy).is_file():
        return beside / copy
    raise NoCapture(
        f"The capture that {click.format_filename(written)} was made of is not here any more, or"
        " has changed, and no redacted copy lies beside it",
        f"Name the capture itself: inspector show CAPTURE {detail.id} --extract OUT",
        "The report itself is not in doubt",
    )


def _located(path: str, index: int) -> Path:
    from inspector.pcap.locate import locate
    from inspector.pcap.pipes import is_read_once

    name = locate(path).captures[index]
    if is_read_once(name):
        raise NoCapture(
            "The packets of what is read but once cannot be extracted", "Give a file in its place"
        )
    return Path(name)


def _is_same(path: Path, capture: CaptureFile) -> bool:
    """Whether a file is the one that was read; one of which no digest is known may be."""
    if capture.sha256 is None:
        return True
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == capture.sha256
    except OSError:
        return False
