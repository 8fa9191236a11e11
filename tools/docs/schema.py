"""`docs/report.schema.json`: the schema of a report, for readers who have no program to ask."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from inspector.report.formats.schema import text

PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"

if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
