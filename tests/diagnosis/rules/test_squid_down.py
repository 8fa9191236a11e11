"""squid-down: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_refused_connections_to_squid_show_that_it_is_down() -> None:
    assert "squid-down" in found(golden("squid-down"))


def test_a_squid_that_denies_is_not_down() -> None:
    assert "squid-down" not in found(golden("squid-denied"))
