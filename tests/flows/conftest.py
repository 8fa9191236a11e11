"""Every test of this room that tries an engine holds for every engine behind the contract."""

from __future__ import annotations

import pytest

from tests.flows.build import ENGINES, Trial


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if hasattr(metafunc.module, "Trial") or hasattr(metafunc.module, "trial"):
        metafunc.parametrize("engine", ENGINES, indirect=True)


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine that a `Trial` tries: another one joins by a line in `ENGINES`."""
    name: str = getattr(request, "param", "pure")
    monkeypatch.setattr(Trial, "engine", staticmethod(ENGINES[name]))
    return name
