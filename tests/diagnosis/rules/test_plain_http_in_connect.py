"""plain-http-in-connect: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_plain_http_inside_a_tunnel_is_told() -> None:
    assert "plain-http-in-connect" in found(golden("plain-http-in-connect"))


def test_tls_inside_a_tunnel_is_not() -> None:
    assert "plain-http-in-connect" not in found(golden("agent-bypasses-proxy"))
