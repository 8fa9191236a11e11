"""The files in which a report is left: one table, from which each is chosen by its name.

What writes a file is imported when it is written, so that a file that is not wanted costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import BinaryIO, Final

from inspector.fact import Fact
from inspector.model.report import Report

REPORT: Final = "report.json"
#: What packets are called beside them, where they may be shared.
CAPTURE: Final = "capture.redacted.pcapng"


class ReportFile(Fact):
    """A file: its name, what it is for, and the `module:function` that writes it."""

    name: str
    what: str
    writer: str

    def write(self, report: Report, out: BinaryIO) -> None:
        """Write the report into an open file."""
        self.load()(report, out)

    def load(self) -> Callable[[Report, BinaryIO], None]:
        """What writes it; ready to be called when files can no longer be opened."""
        module, _, function = self.writer.partition(":")
        found: Callable[[Report, BinaryIO], None] = getattr(import_module(module), function)
        return found


#: In the order in which they are written.
FILES: Final = (
    ReportFile(REPORT, "The whole report, for programs (docs/report.md).",
               "inspector.report.formats.json:write_json"),
    ReportFile("summary.md", "The first page as Markdown, for a runner's step summary.",
               "inspector.report.page.markdown:write_summary"),
    ReportFile("report.html", "The report as a page to click, for a browser; it asks no network.",
               "inspector.report.html.write:write_html"),
    ReportFile("exchanges.har", "Exchanges and CONNECTs as HAR 1.2, for a browser's network panel.",
               "inspector.report.formats.har:write_har"),
    ReportFile("exchanges.jsonl", "A flat row an exchange, for a database.",
               "inspector.report.formats.rows:write_rows"),
)  # fmt: skip
NAMES: Final = tuple(file.name for file in FILES)
