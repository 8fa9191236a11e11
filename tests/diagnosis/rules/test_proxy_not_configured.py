"""proxy-not-configured: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import cause, found, golden


def test_the_api_proxys_own_answer_that_it_has_no_key_is_told() -> None:
    assert "proxy-not-configured" in found(golden("proxy-not-configured"))


def test_its_guards_403_is_about_something_else() -> None:
    assert "proxy-not-configured" not in found(golden("proxy-guard-403"))


def test_the_answer_is_quoted_whole_and_its_variable_is_the_advice() -> None:
    told = cause(golden("proxy-not-configured"))
    assert 'Set ANTHROPIC_API_KEY to enable this provider."' in told.details[0]
    assert told.advice == "Set ANTHROPIC_API_KEY for the API proxy."
