"""model-not-found: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import CALL, called, cause, found, golden, openai, refusal, through
from tests.exchanges.network import request


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, openai("The model `m` does not exist or you do not have access to it.",
                     code="model_not_found")),
        (404, b'{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}'),
        (404, b'{"error":{"code":404,"message":"models/m is not found for API version v1beta, or is'
              b' not supported for generateContent.","status":"NOT_FOUND"}}'),
        (404, b'{"error":{"code":"DeploymentNotFound","message":"The API deployment for this'
              b' resource does not exist."}}'),
        (400, b'{"message":"The provided model identifier is invalid."}'),
        (400, b'{"error":{"message":"x/y is not a valid model ID","code":400}}'),
        (400, b'{"object":"error","message":"Invalid model: m","type":"invalid_model"}'),
        (404, b'{"message":"model \'m\' not found, make sure the correct model ID was used"}'),
        (404, b'{"error":"model \'m\' not found, try pulling it first"}'),
        (400, openai("Invalid model name passed in model=m. Call `/v1/models`")),
    ],
)  # fmt: skip
def test_a_name_that_does_not_exist_is_the_models(status: int, body: bytes) -> None:
    assert cause(called(CALL, refusal(status, body=body))).code == "model-not-found"


def test_a_deployment_is_told_from_a_path_and_each_is_counted_by_itself() -> None:
    call = request("POST /openai/deployments/d/chat/completions HTTP/1.1")
    missing = refusal(404, body=b'{"error":{"code":"DeploymentNotFound","message":"The API'
                                b' deployment for this resource does not exist."}}')  # fmt: skip
    other = refusal(404, body=b'{"error":{"code":"404","message":"Resource not found"}}')

    report = through("r.openai.azure.com", call, missing, missing, other, port=10000)
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("model-not-found", 2, 3)
    assert "2 x 404 DeploymentNotFound" in told.sentence
    assert [(group.code, group.count) for group in told.others] == [("wrong-path", 1)]
    assert "api-version" in told.others[0].advice
    assert "wrong-path" in found(report)


def test_another_thing_that_is_not_found_is_no_model() -> None:
    body = openai("No such File object: file-x")

    assert cause(called(CALL, refusal(404, body=body))).code == "upstream-bad-request"


def test_a_model_that_is_not_on_a_gateways_list_was_asked_of_no_api() -> None:
    report = golden("litellm-model")

    assert cause(report).code == "model-not-found"
    assert "model_list" in cause(report).advice
    assert {chain.answered_by for chain in report.chains} == {"api-proxy"}
