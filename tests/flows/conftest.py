"""Every test of this room holds for every engine behind the contract."""

from __future__ import annotations

import pytest

from tests.flows.build import ENGINES, Trial


@pytest.fixture(params=ENGINES, autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine that a `Trial` tries: another one joins by a line in `ENGINES`."""
    name: str = request.param
    monkeypatch.setattr(Trial, "engine", ENGINES[name])
    return name
