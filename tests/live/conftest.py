"""Labs for the tests of live captures: skipped, with the reason, where there can be none."""

from __future__ import annotations

import pytest

from lab.docker_engine import why_not_docker
from lab.processes import why_not
from tests.lab.conftest import lab_possible

__all__ = ["docker_possible", "lab_possible"]


@pytest.fixture(scope="session")
def docker_possible() -> None:
    """Skips where there is no engine and none can be started."""
    if reason := why_not("squid", "node", "curl") or why_not_docker():
        pytest.skip(reason)
