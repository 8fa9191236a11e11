"""wrong-path: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_404_to_a_path_that_the_reference_lacks_is_the_paths_fault() -> None:
    assert "wrong-path" in found(golden("h1-wrong-path"))


def test_another_4xx_to_a_known_path_is_not() -> None:
    assert "wrong-path" not in found(golden("upstream-413"))
