"""proxy-died: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found, golden


def test_a_close_without_an_answer_and_nobody_there_afterwards_is_a_death() -> None:
    assert "proxy-died" in found(golden("issue-1527"))


def test_an_answer_cut_by_a_proxy_that_lives_on_is_none() -> None:
    assert "proxy-died" not in found(golden("upstream-json-cut"))
