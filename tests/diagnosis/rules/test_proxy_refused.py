"""proxy-refused: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, called, cause, error, found, golden, refusal


def test_the_api_proxys_own_429_is_its_refusal() -> None:
    assert "proxy-refused" in found(golden("proxy-guard-429"))


def test_the_apis_429_is_not() -> None:
    assert "proxy-refused" not in found(golden("upstream-429"))


def test_an_error_of_the_apis_own_is_not() -> None:
    told = cause(called(CALL, refusal(500, body=error("Internal server error"))))

    assert told.code == "upstream-server-error"
