"""credentials-differ: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_two_credentials_that_differ_are_told() -> None:
    assert "credentials-differ" in found(golden("h2-two-placeholders"))


def test_two_equal_ones_are_not() -> None:
    assert "credentials-differ" not in found(golden("h2-both-headers-equal"))
