"""stream-stalled: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import cause, found, golden


def test_a_long_silence_before_the_client_leaves_is_a_stall() -> None:
    assert "stream-stalled" in found(golden("upstream-stream-stalls"))


def test_a_client_that_leaves_amid_events_met_none() -> None:
    assert "stream-stalled" not in found(golden("client-leaves-mid-stream"))


def test_the_advice_says_whether_the_tunnel_was_silent_as_well() -> None:
    told = cause(golden("upstream-stream-stalls"))
    assert told.advice.startswith("t1 was silent as well: the API, or the way to it, stopped")
