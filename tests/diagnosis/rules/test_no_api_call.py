"""no-api-call: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden
from tests.diagnosis.degraded import report_of
from tests.diagnosis.removals import without


def test_a_capture_of_the_start_alone_has_no_call() -> None:
    assert "no-api-call" in found(golden("start-up-only"))


def test_a_capture_with_a_call_has_one() -> None:
    assert "no-api-call" not in found(golden("healthy-json"))


def test_answers_whose_requests_were_not_captured_may_be_to_calls() -> None:
    assert "no-api-call" not in found(report_of(without("what the agent sent", "healthy-json")))
