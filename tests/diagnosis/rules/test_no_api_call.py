"""no-api-call: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_capture_of_the_start_alone_has_no_call() -> None:
    assert "no-api-call" in found(golden("start-up-only"))


def test_a_capture_with_a_call_has_one() -> None:
    assert "no-api-call" not in found(golden("healthy-json"))
