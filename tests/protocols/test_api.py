"""What the JSON bodies of the APIs and of the API proxy state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.http import ApiError, Usage
from inspector.protocols.api import NOTHING, TEXT_LIMIT, JsonFacts, parse_json, read_json_body


def read(document: Any, status: int = 200) -> JsonFacts:
    return read_json_body(json.dumps(document).encode(), status)


ANSWERS = {
    "anthropic": (
        {
            "id": "msg_01",
            "type": "message",
            "model": "claude-sonnet-4-5-20250929",
            "content": [{"type": "text", "text": "…"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 33, "cache_read_input_tokens": 0, "output_tokens": 24},
        },
        JsonFacts("claude-sonnet-4-5-20250929", Usage(33, 24), "end_turn", None),
    ),
    "openai-chat": (
        {
            "object": "chat.completion",
            "model": "gpt-4o",
            "choices": [{"index": 0, "message": {"content": "…"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21},
        },
        JsonFacts("gpt-4o", Usage(9, 12), "stop", None),
    ),
    "openai-responses": (
        {
            "object": "response",
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "model": "gpt-4.1",
            "usage": {"input_tokens": 36, "output_tokens": 87, "total_tokens": 123},
        },
        JsonFacts("gpt-4.1", Usage(36, 87), "completed", None),
    ),
    "openai-responses-incomplete": (
        {
            "object": "response",
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
            "model": "gpt-4.1",
        },
        JsonFacts("gpt-4.1", None, "max_output_tokens", None),
    ),
    "gemini": (
        {
            "candidates": [{"content": {"parts": []}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 5},
            "modelVersion": "gemini-2.5-flash",
        },
        JsonFacts("gemini-2.5-flash", Usage(4, 5), "STOP", None),
    ),
    "embeddings-without-output": (
        {"object": "list", "model": "text-embedding-3-small", "usage": {"prompt_tokens": 8}},
        JsonFacts("text-embedding-3-small", Usage(8, None), None, None),
    ),
}


@pytest.mark.parametrize(("document", "facts"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_states_model_usage_and_stop_reason(document: Any, facts: JsonFacts) -> None:
    assert read(document) == facts


def test_a_gemini_stream_as_one_array_is_one_answer() -> None:
    first = {"candidates": [{}], "usageMetadata": {"promptTokenCount": 4}, "modelVersion": "g"}
    last = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"candidatesTokenCount": 6}}
    assert read([first, last]) == JsonFacts("g", Usage(4, 6), "STOP", None)


ERRORS: dict[str, tuple[int, Any, ApiError]] = {
    "anthropic": (
        401,
        {
            "type": "error",
            "error": {"type": "authentication_error", "message": "invalid x-api-key"},
            "request_id": "req_011CT2",
        },
        ApiError("authentication_error", "invalid x-api-key"),
    ),
    "openai": (
        401,
        {
            "error": {
                "message": "Incorrect API key provided: sk-LABONLY.",
                "type": "invalid_request_error",
                "param": None,
                "code": "invalid_api_key",
            }
        },
        ApiError(
            "invalid_request_error", "Incorrect API key provided: sk-LABONLY.", "invalid_api_key"
        ),
    ),
    "openai-with-null-type": (
        400,
        {"error": {"message": "No such model", "type": None, "code": "model_not_found"}},
        ApiError("model_not_found", "No such model"),
    ),
    "azure": (
        401,
        {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}},
        ApiError("401", "Access denied due to invalid subscription key."),
    ),
    "azure-api-management": (
        401,
        {"statusCode": 401, "message": "Unauthorized. Access token is missing."},
        ApiError(None, "Unauthorized. Access token is missing."),
    ),
    "gemini": (
        400,
        {
            "error": {
                "code": 400,
                "message": "API key not valid.",
                "status": "INVALID_ARGUMENT",
                "details": [{"@type": "…/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
            }
        },
        ApiError("API_KEY_INVALID", "API key not valid.", "INVALID_ARGUMENT"),
    ),
    "gemini-without-details": (
        429,
        {"error": {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED"}},
        ApiError("RESOURCE_EXHAUSTED", "Quota."),
    ),
    "gemini-code-only": (503, {"error": {"code": 503}}, ApiError("503", None)),
    "copilot-and-github": (
        401,
        {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"},
        ApiError(None, "Bad credentials"),
    ),
    "proxy-not-configured": (
        403,
        {
            "error": {
                "message": "Credentials for Anthropic (port 10001) are not configured.",
                "type": "provider_not_configured",
                "provider": "anthropic",
                "port": 10001,
                "retryable": False,
            }
        },
        ApiError(
            "provider_not_configured", "Credentials for Anthropic (port 10001) are not configured."
        ),
    ),
    "proxy-not-configured-sentence": (
        503,
        {"error": "Vertex AI proxy not configured (no GOOGLE_API_KEY)."},
        ApiError(None, "Vertex AI proxy not configured (no GOOGLE_API_KEY)."),
    ),
    "proxy-upstream-failed": (
        502,
        {"error": "Proxy error", "message": "self-signed certificate in certificate chain"},
        ApiError("Proxy error", "self-signed certificate in certificate chain"),
    ),
    "oauth": (
        400,
        {"error": "invalid_grant", "error_description": "The token expired."},
        ApiError("invalid_grant", "The token expired."),
    ),
    "aws": (
        403,
        {"__type": "ExpiredTokenException", "message": "The token is expired."},
        ApiError("ExpiredTokenException", "The token is expired."),
    ),
    "aws-in-capitals": (
        403,
        {"Message": "User is not authorized"},
        ApiError(None, "User is not authorized"),
    ),
    "apigee": (
        401,
        {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.x"}}},
        ApiError("oauth.v2.x", "Invalid ApiKey"),
    ),
    "cloudflare": (
        400,
        {"errors": [{"code": 2009, "message": "Unauthorized"}]},
        ApiError(None, "Unauthorized"),
    ),
    "mistral": (
        400,
        {"object": "error", "message": "Invalid model: m", "type": "invalid_model", "code": "1500"},
        ApiError("invalid_model", "Invalid model: m"),
    ),
    "gateway-detail": (422, {"detail": "Field required"}, ApiError(None, "Field required")),
    "error-inside-a-200": (
        200,
        {"object": "response", "status": "failed", "error": {"code": "server_error"}},
        ApiError("server_error", None),
    ),
}


@pytest.mark.parametrize(("status", "document", "error"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_read_in_the_shape_of_its_sender(
    status: int, document: Any, error: ApiError
) -> None:
    assert read(document, status).api_error == error


def test_a_message_in_a_success_is_no_error() -> None:
    assert read({"message": "hello", "detail": "x"}, 200).api_error is None
    assert read({"error": None, "message": "hello"}, 200).api_error is None
    assert read({"error": {}}, 200).api_error is None


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"code": 500, "msg": "404 NOT_FOUND", "success": False}, "500"),
        ({"code": 401, "msg": "token expired or incorrect"}, "401"),
        ({"success": False, "errors": [{"code": 10000, "message": "x"}], "result": None}, "10000"),
        ({"success": False, "message": "x"}, "success false"),
        ({"error_code": 336001, "error_msg": "x"}, "336001"),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "1004"),
    ],
)
def test_a_gateway_states_an_error_in_a_success_by_its_number(document: Any, kind: str) -> None:
    """Its text has no name of an error's, so that a copy keeps none of it."""
    assert read(document, 200).api_error == ApiError(kind, None)


@pytest.mark.parametrize(
    "document",
    [
        {"code": 200, "msg": "success", "success": True, "data": {}},
        {"code": 0, "msg": "ok"},
        {"code": 20000, "message": "ok"},
        {"code": 404, "id": "x", "type": "message", "message": "code and all"},
        {"base_resp": {"status_code": 0, "status_msg": ""}, "choices": []},
        {"success": None, "code": True, "message": "x"},
    ],
)
def test_other_numbers_in_a_success_are_no_error(document: Any) -> None:
    assert read(document, 200).api_error is None


def test_texts_are_bounded() -> None:
    long = "x" * 100_000
    facts = read({"model": long, "stop_reason": long, "error": {"type": long, "message": long}})
    assert facts.api_error is not None
    texts = (facts.model, facts.stop_reason, facts.api_error.type, facts.api_error.message)
    assert texts == ("x" * TEXT_LIMIT,) * 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"12",
        b"{",
        b'{"model":"m"',
        b"<!DOCTYPE html>",
        b"\xff\xfe{}",
        b'{"model":"\xff"}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"model":NaN}',
        b'{"model":["m"],"usage":[1],"choices":{},"candidates":[[]],"error":[{}]}',
        b'{"usage":{"input_tokens":true,"output_tokens":-1}}',
        b'{"usage":{"input_tokens":1e400,"output_tokens":"7"}}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_api_document_states_nothing(body: bytes) -> None:
    assert read_json_body(body, 200) == NOTHING
    assert read_json_body(body, 500) == NOTHING


def test_a_number_beyond_64_bits_is_no_count() -> None:
    assert read_json_body(b'{"usage":{"input_tokens":1%s}}' % (b"0" * 5000), 200).usage is None


def test_half_an_emoji_is_valid_json() -> None:
    # RFC 8259 8.2; a stream cut between two escapes of one character sends it.
    assert parse_json(rb'{"text":"\ud83d","more":"\\ud83d"}') == {
        "text": "\ufffd",
        "more": "\\ufffd",
    }


KEYS = [
    *("model", "modelVersion", "message", "response", "usage", "usageMetadata", "error", "type"),
    *("choices", "candidates", "finish_reason", "details", "status", "object", "delta", "code"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=12,
)


@given(JSON, st.integers(100, 599))
def test_any_shape_gives_bounded_texts_and_counts(document: Any, status: int) -> None:
    facts = read(document, status)
    error = facts.api_error or ApiError(None, None)
    for text in (facts.model, facts.stop_reason, error.type, error.message):
        assert text is None or 0 < len(text) <= TEXT_LIMIT


@given(st.binary(max_size=200), st.integers(100, 599))
def test_no_bytes_raise(data: bytes, status: int) -> None:
    assert isinstance(read_json_body(data, status), JsonFacts)
