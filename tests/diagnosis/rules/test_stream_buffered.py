"""stream-buffered: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_events_that_come_all_at_once_after_a_wait_are_told() -> None:
    assert "stream-buffered" in found(golden("h3-proxy-buffers"))


def test_events_that_come_one_by_one_are_not() -> None:
    assert "stream-buffered" not in found(golden("healthy-sse"))
