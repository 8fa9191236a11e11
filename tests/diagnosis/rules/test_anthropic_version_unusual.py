"""anthropic-version-unusual: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_another_version_than_2023_06_01_is_told() -> None:
    assert "anthropic-version-unusual" in found(golden("h1-newer-version"))


def test_the_usual_version_is_not() -> None:
    assert "anthropic-version-unusual" not in found(golden("h1-wrong-path"))
