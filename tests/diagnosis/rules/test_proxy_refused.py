"""proxy-refused: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, called, cause, error, found, golden, refusal


def test_the_api_proxys_own_429_is_its_refusal() -> None:
    assert "proxy-refused" in found(golden("proxy-guard-429"))


def test_the_setting_that_the_answer_is_about_is_named() -> None:
    for name, said in (
        ("proxy-guard-429", "Wait, or raise the rate limit of the API proxy"),
        ("proxy-guard-403", "raise the API proxy's limit of denials"),
        ("nginx-too-large", "Send a smaller body"),
    ):
        told = cause(golden(name))
        assert told.code == "proxy-refused"
        assert said in told.advice


def test_the_apis_429_is_not() -> None:
    assert "proxy-refused" not in found(golden("upstream-429"))


def test_an_error_of_the_apis_own_is_not() -> None:
    told = cause(called(CALL, refusal(500, body=error("Internal server error"))))

    assert told.code == "upstream-server-error"


def test_a_key_that_litellm_does_not_know_is_told_from_a_providers() -> None:
    told = cause(golden("litellm-no-database"))

    assert (told.code, told.explains) == ("proxy-refused", 2)
    assert any("neither its master key nor a virtual key" in line for line in told.details)
    assert "x-api-key" in told.advice
    assert "a key of anthropic's changes nothing" in told.advice
