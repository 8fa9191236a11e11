"""stream-cut: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_stream_without_its_terminal_event_is_cut() -> None:
    assert "stream-cut" in found(golden("h3-upstream-cut"))


def test_a_stream_whose_client_left_after_the_terminal_event_is_not() -> None:
    assert "stream-cut" not in found(golden("client-leaves-after-done"))


def test_a_body_that_is_no_stream_is_cut_otherwise() -> None:
    assert "stream-cut" not in found(golden("upstream-json-cut"))
