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
        if file.stat().st_size > REPORT_LIMIT:
            raise NotAReport("the file is longer than any report")
        read = read_dict(json.loads(file.read_bytes()))
    except (NotAReport, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, NotAReport) else "it is no JSON"
        raise ReportUnreadable(
            f"{file} is no inspector report: {why}",
            "Give a capture, or what --format json or -o wrote",
        ) from None
    except OSError as error:
        raise ReportUnreadable(
            f"{file} cannot be read: {error.strerror}",
            "Check the path and your permission to read it",
        ) from error
    if on_unknown is not None:
        for enumeration, member in read.unknown:
            on_unknown(enumeration, member)
    return read.report
