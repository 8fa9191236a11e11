"""Two golden runs, each read once: a proxy that died, and a stream that was cut, with its keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.capture_files import inspect
from inspector.model.report import Report
from inspector.options import Options
from tests.diagnosis.matrix import GOLDEN


@pytest.fixture(scope="session")
def died() -> Report:
    return inspect(GOLDEN / "issue-1527")


@pytest.fixture(scope="session")
def cut() -> Report:
    return inspect(GOLDEN / "h3-upstream-cut", options=replace(Options(), finds_keys=True))


@pytest.fixture(scope="session")
def by_squid() -> Report:
    options = replace(Options(), finds_keys=True)
    return inspect(GOLDEN / "through-squid-absolute", options=options)
