"""What all tests share: hypothesis profiles and the captures beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

#: No deadlines (a busy machine is no failure); in CI the same examples each run.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

SHARED = Path(__file__).parent.parent.parent / "shared"


def _folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"../shared/{name} is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def real_captures() -> Path:
    """Recordings of the real stack, with ground truth."""
    return _folder("real-captures")


@pytest.fixture(scope="session")
def public_captures() -> Path:
    """Captures of public test suites, well-formed and hostile."""
    return _folder("public-captures")
