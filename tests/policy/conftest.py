from __future__ import annotations

from tests.report.conftest import example, report

__all__ = ["example", "report"]
