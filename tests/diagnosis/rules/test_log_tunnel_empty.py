"""log-tunnel-empty: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_logged_200_of_a_tunnel_that_brought_nothing_back_is_told() -> None:
    assert "log-tunnel-empty" in found(golden("tls-silence"))


def test_one_of_a_tunnel_that_brought_an_alert_back_is_not() -> None:
    assert "log-tunnel-empty" not in found(golden("tls-alert"))
