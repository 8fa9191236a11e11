"""Write the golden pages anew; read the difference before you commit it."""

from __future__ import annotations

import json
from pathlib import Path

from inspector.report.formats.whole import from_dict
from inspector.report.page.terminal import render

HERE = Path(__file__).parent
EXAMPLE = HERE.parent.parent.parent / "docs" / "example-report.json"

if __name__ == "__main__":
    report = from_dict(json.loads(EXAMPLE.read_text(encoding="utf-8")))
    for width in (60, 80, 120):
        page = render(report, width=width)
        (HERE / f"example-{width}.txt").write_text(page, encoding="utf-8")
    page = render(report, width=80, verbosity=1)
    (HERE / "example-80-v.txt").write_text(page, encoding="utf-8")
