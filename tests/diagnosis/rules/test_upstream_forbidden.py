"""upstream-forbidden: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import API_SAYS, CALL, called, error, found, golden
from tests.exchanges.network import response


def test_a_403_of_the_api_forbids_the_call() -> None:
    assert "upstream-forbidden" in found(golden("upstream-403"))


def test_the_api_proxys_guard_is_not_the_api() -> None:
    assert "upstream-forbidden" not in found(golden("proxy-guard-403"))


def test_a_402_of_the_api_forbids_nothing() -> None:
    answer = response("402 Payment Required", *API_SAYS, body=error("no credit"))

    assert "upstream-forbidden" not in found(called(CALL, answer))


def test_a_403_whose_words_were_not_captured_may_be_about_anything() -> None:
    """A clock, a region, an edge: of a 403 the words decide."""
    answer = response("403 Forbidden", *API_SAYS, body=error("no credit"))

    assert "upstream-forbidden" in found(called(CALL, answer))
    assert "upstream-forbidden" not in found(called(CALL, answer[:-4]))
