"""What a file that a live capture wrote says of itself, to be held against the live report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from inspector.capture_files import inspect_captures
from inspector.model.report import Report
from inspector.options import Options


def read(*paths: Path, options: Options | None = None) -> Report:
    """The report of files, without the digests: known of what was read to its end alone."""
    report = inspect_captures(paths, options)
    assert all(capture.sha256 is not None for capture in report.captures)
    files = tuple(replace(capture, sha256=None) for capture in report.captures)
    return replace(report, captures=files)
