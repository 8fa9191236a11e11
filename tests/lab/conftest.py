"""Labs for tests: skipped, with the reason, where there can be none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.network import Network
from lab.processes import why_not


@pytest.fixture(scope="session")
def lab_possible() -> None:
    """Skips where no lab can run: no root, no iproute2 or dumpcap, or a kernel that refuses."""
    if reason := why_not("dumpcap"):
        pytest.skip(reason)


@pytest.fixture(scope="module")
def network(lab_possible: None) -> Iterator[Network]:
    """A network of its own for each test module."""
    with Network() as network:
        yield network
