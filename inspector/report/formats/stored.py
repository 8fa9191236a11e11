"""A report that was stored as JSON: by `--format json`, or by -o as `report.json`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from inspector.errors import InspectorError
from inspector.model.report import Report
from inspector.report.formats.loading import NotAReport
from inspector.report.formats.whole import read_dict

#: A report is read whole into memory; one of 100,000 exchanges has some 200 MB.
REPORT_LIMIT: Final = 1 << 30

#: Told the enumeration and the member of each name that a later version wrote.
OnUnknown = Callable[[str, str], None]


class ReportUnreadable(InspectorError):
    """JSON that is no report of this program."""


def read_report(path: str | Path, *, on_unknown: OnUnknown | None = None) -> Report:
    """The report in a JSON file, of any version that can be read (docs/report.md).

    `on_unknown` is told of each member of an open enumeration that this version does not know:
    it stands in the report as it is, and nothing is concluded from it.  Raises `InspectorError`
    where the file cannot be read or is no report.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            data = opened.read(REPORT_LIMIT + 1)
    except OSError as error:
        raise ReportUnreadable(
            f"{file} cannot be read: {error.strerror}",
            "Check the path and your permission to read it",
        ) from error
    return parse_report(data, str(file), on_unknown=on_unknown)


def parse_report(data: bytes, name: str, *, on_unknown: OnUnknown | None = None) -> Report:
    """The report in JSON text; as `read_report`, and `name` says in errors where it is from."""
    try:
        if len(data) > REPORT_LIMIT:
            raise NotAReport("it is longer than any report")
        read = read_dict(json.loads(data))
    except (NotAReport, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, NotAReport) else "it is no JSON"
        raise ReportUnreadable(
            f"{name} is no inspector report: {why}",
            "Give a capture, or what --format json or -o wrote",
        ) from None
    if on_unknown is not None:
        for enumeration, member in read.unknown:
            on_unknown(enumeration, member)
    return read.report
