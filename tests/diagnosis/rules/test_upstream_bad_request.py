"""upstream-bad-request: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import API_SAYS, CALL, called, error, found, golden
from tests.exchanges.network import response


def test_a_413_of_the_api_is_about_the_request() -> None:
    assert "upstream-bad-request" in found(golden("upstream-413"))


def test_a_404_about_the_path_has_a_cause_of_its_own() -> None:
    assert "upstream-bad-request" not in found(golden("h1-wrong-path"))


def test_neither_a_429_nor_a_500_of_the_api_is_about_the_request() -> None:
    for status in ("429 Too Many Requests", "500 Internal Server Error"):
        answer = response(status, *API_SAYS, body=error("later"))
        assert "upstream-bad-request" not in found(called(CALL, answer))
