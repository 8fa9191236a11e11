"""The example report, written by hand before the code that makes reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inspector.model.report import Report
from inspector.report.formats.whole import from_dict

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture
def example() -> dict[str, Any]:
    plain: dict[str, Any] = json.loads((DOCS / "example-report.json").read_text(encoding="utf-8"))
    return plain


@pytest.fixture
def report(example: dict[str, Any]) -> Report:
    return from_dict(example)
