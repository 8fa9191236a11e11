"""call-through-squid: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_call_in_absolute_form_at_squid_is_told() -> None:
    assert "call-through-squid" in found(golden("through-squid-absolute"))


def test_other_traffic_at_squid_is_not() -> None:
    assert "call-through-squid" not in found(golden("denied-side-traffic"))
