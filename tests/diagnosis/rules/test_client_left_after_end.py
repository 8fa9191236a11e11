"""client-left-after-end: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_client_that_leaves_after_the_last_event_is_told() -> None:
    assert "client-left-after-end" in found(golden("client-leaves-after-done"))


def test_one_that_leaves_before_it_is_not() -> None:
    assert "client-left-after-end" not in found(golden("client-leaves-mid-stream"))
