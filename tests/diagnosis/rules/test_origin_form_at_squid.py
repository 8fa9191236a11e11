"""origin-form-at-squid: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_web_servers_request_at_squid_is_told() -> None:
    assert "origin-form-at-squid" in found(golden("origin-form-at-squid"))


def test_a_request_in_absolute_form_is_not() -> None:
    assert "origin-form-at-squid" not in found(golden("through-squid-absolute"))
