"""retry-storm: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_five_failed_tries_in_a_row_are_a_storm() -> None:
    assert "retry-storm" in found(golden("retry-storm"))


def test_fifty_calls_that_go_well_are_not() -> None:
    assert "retry-storm" not in found(golden("keep-alive-50"))
