"""The lab on whose bridge README.md is followed: skipped where there can be none."""

from __future__ import annotations

from tests.lab.conftest import lab_possible

__all__ = ["lab_possible"]
