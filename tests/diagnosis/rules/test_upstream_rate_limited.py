"""upstream-rate-limited: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import API_SAYS, CALL, called, cause, error, found, golden
from tests.exchanges.network import response


def test_a_429_of_the_api_limits_the_rate() -> None:
    answer = response("429 Too Many Requests", *API_SAYS, body=error("rate_limit_error"))

    assert "upstream-rate-limited" in found(called(CALL, answer))


def test_the_seconds_that_the_answer_asks_for_are_told() -> None:
    for field, said in (
        ("retry-after: 17", "Wait 17 s before"),
        ("retry-after: later", "as long as"),
    ):
        answer = response("429 Too Many Requests", *API_SAYS, field, body=error("rate_limit_error"))
        assert said in cause(called(CALL, answer)).advice


def test_one_that_the_next_try_makes_good_is_no_failure() -> None:
    assert "upstream-rate-limited" not in found(golden("upstream-429"))


def test_the_api_proxys_429_is_not_the_apis() -> None:
    assert "upstream-rate-limited" not in found(golden("proxy-guard-429"))


def test_a_529_of_the_api_is_no_rate_limit() -> None:
    answer = response("529 Overloaded", *API_SAYS, body=error("overloaded"))

    assert "upstream-rate-limited" not in found(called(CALL, answer))


def test_a_limit_that_lasts_is_the_cause_of_all_tries() -> None:
    told = cause(golden("upstream-429-lasts"))

    assert (told.code, told.explains, told.of) == ("upstream-rate-limited", 4, 4)
