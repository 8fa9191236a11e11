"""stream-error-event: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_an_error_event_in_a_stream_of_status_200_is_told() -> None:
    assert "stream-error-event" in found(golden("h3-upstream-error-event"))


def test_an_error_status_without_a_stream_is_not() -> None:
    assert "stream-error-event" not in found(golden("upstream-529"))


def test_a_stream_that_breaks_off_has_no_error_event() -> None:
    assert "stream-error-event" not in found(golden("h3-upstream-cut"))
