"""upstream-overloaded: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_529_of_the_api_is_overload() -> None:
    assert "upstream-overloaded" in found(golden("upstream-529"))


def test_a_500_is_not() -> None:
    assert "upstream-overloaded" not in found(golden("upstream-500"))
