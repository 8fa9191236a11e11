"""credential-malformed: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import CALL, PROXY_SAYS, called, cause, found, golden
from tests.diagnosis.degraded import frames, report_of
from tests.diagnosis.matrix import GOLDEN
from tests.diagnosis.transforms import CLOCKS
from tests.exchanges.network import request, response


@pytest.mark.parametrize("value", ["'sk-ant-placeholder'", "Bearer Bearer placeholder", ""])
def test_a_credential_that_the_api_proxys_parser_refuses_is_malformed(value: str) -> None:
    call = request("POST /v1/messages HTTP/1.1", f"Authorization: {value}")
    refusal = response("400 Bad Request", *PROXY_SAYS)
    refused, taken = called(call, refusal), called(call, response())

    assert cause(refused).code == "credential-malformed"
    assert found(taken)["credential-malformed"].severity == "note"
    assert "credential-malformed" not in found(called(CALL, refusal))


@pytest.mark.parametrize("value", ["application/json", "text/event-stream", "sk-ant-", "api key"])
def test_words_of_the_protocols_are_no_credential_and_blank_nothing(value: str) -> None:
    call = request("POST /v1/messages HTTP/1.1", f"x-api-key: {value}", f"Content-Type: {value}")
    message = f"invalid x-api-key ({value})"
    body = f'{{"type":"error","error":{{"type":"authentication_error","message":"{message}"}}}}'
    answer = response("401 Unauthorized", "content-type: application/json", body=body.encode())

    report = called(call, answer)

    assert "credential-malformed" in found(report)
    exchange = next(one for one in report.exchanges if one.hop == "agent-to-api-proxy")
    assert exchange.response is not None
    assert ("content-type", "application/json") in exchange.response.headers
    assert exchange.response.api_error is not None
    assert exchange.response.api_error.type == "authentication_error"
    assert exchange.response.api_error.message == message


@pytest.mark.parametrize("value", ["sk-ant-placeholder-key-for-credential-isolation", "LABONLY77f"])
def test_a_placeholder_and_a_value_that_nobody_knows_are_not_malformed(value: str) -> None:
    call = request("POST /v1/messages HTTP/1.1", f"x-api-key: {value}")
    assert "credential-malformed" not in found(called(call, response()))


def test_a_control_character_that_node_refuses_is_told_by_the_answer_that_closes() -> None:
    told = cause(golden("key-control-character"))

    assert (told.code, told.explains, told.of) == ("credential-malformed", 2, 2)


def test_nodes_bare_400_says_it_also_where_the_clock_was_set_back() -> None:
    """Then it is not known that no tunnel was opened for the call."""
    back = CLOCKS["the clock is set back by an hour"](frames(GOLDEN / "key-control-character"))

    assert cause(report_of(back)).code == "credential-malformed"
