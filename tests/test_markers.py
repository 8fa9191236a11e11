"""What `-m` can choose by: every marker is set by a rule that has something to set it on."""

from __future__ import annotations

import pytest

from tests.conftest import FIXTURES, ROOMS, SLOW, TESTS


def test_every_slow_module_and_every_room_is_there() -> None:
    assert sorted(name for name in SLOW if not (TESTS / name).is_file()) == []
    assert sorted(name for name in ROOMS if not (TESTS / name).is_dir()) == []


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_a_fixture_that_marks_is_one(name: str, request: pytest.FixtureRequest) -> None:
    told = {path.read_text() for path in TESTS.rglob("conftest.py")}
    assert any(f"def {name}(" in text for text in told)
