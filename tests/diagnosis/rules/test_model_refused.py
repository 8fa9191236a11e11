"""model-refused: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import CALL, PROXY_SAYS, called, cause, error, openai, refusal
from tests.exchanges.network import response


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, openai("The requested model is not supported.", code="model_not_supported")),
        (400, openai("model x is not accessible via the /chat/completions endpoint",
                     code="unsupported_api_for_model")),
        (403, openai("Project `p` does not have access to model `gpt-9`", code="model_not_found")),
        (400, openai("The model `m` has been decommissioned", code="model_decommissioned")),
        (400, b'{"message":"Invocation of model m with on-demand throughput isn\'t supported."}'),
        (403, b'{"message":"You don\'t have access to the model with the specified model ID."}'),
        (404, b'{"error":{"code":404,"message":"This model models/m is no longer available to new'
              b' users.","status":"NOT_FOUND"}}'),
        (404, b'{"error":{"message":"No endpoints found that support tool use.","code":404}}'),
        (400, b'{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation'
              b' does not work with the specified model, m."}}'),
    ],
)  # fmt: skip
def test_a_model_that_is_not_served_is_refused(status: int, body: bytes) -> None:
    assert cause(called(CALL, refusal(status, body=body))).code == "model-refused"


def test_the_api_proxy_itself_refuses_a_retired_model_and_no_limit_is_to_be_raised() -> None:
    body = openai("Model 'm' is retired or unsupported. Did you mean 'n'?", "retired_model")

    told = cause(called(CALL, response("400 Bad Request", *PROXY_SAYS, body=body)))

    assert told.code == "model-refused"
    assert "Raise the limit" not in told.advice


def test_a_model_that_does_not_exist_is_not_refused() -> None:
    body = openai("The model `m` does not exist", code="model_not_found")

    assert cause(called(CALL, refusal(404, body=body))).code == "model-not-found"


def test_a_bad_request_that_names_no_model_is_none() -> None:
    told = cause(called(CALL, refusal(400, body=error("messages: at least one is required"))))

    assert told.code == "upstream-bad-request"
