"""wrong-auth-scheme: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_badly_formatted_authorization_header_has_the_wrong_scheme() -> None:
    assert "wrong-auth-scheme" in found(golden("copilot-wrong-scheme"))


def test_a_401_about_the_key_is_not_about_the_scheme() -> None:
    assert "wrong-auth-scheme" not in found(golden("h4-401-inside-tunnel"))
