"""tls-failed-in-tunnel: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_an_untrusted_certificate_fails_tls_inside_the_tunnel() -> None:
    assert "tls-failed-in-tunnel" in found(golden("tls-untrusted"))


def test_a_500_that_came_through_tls_does_not() -> None:
    assert "tls-failed-in-tunnel" not in found(golden("upstream-500"))
