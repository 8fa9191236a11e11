"""proxy-refused: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_the_api_proxys_own_429_is_its_refusal() -> None:
    assert "proxy-refused" in found(golden("proxy-guard-429"))


def test_the_apis_429_is_not() -> None:
    assert "proxy-refused" not in found(golden("upstream-429"))
