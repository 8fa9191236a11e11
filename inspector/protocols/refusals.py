"""JSON of a success that is no answer: gateways that put an error of their own form into a 200.

There is no member `error` in it, and no status: a number says it, or `"success": false`.  Such a
text is not told from any other's, so that a copy keeps none of it, and only the number is told.

Sources: Spring's and Zhipu's `{"code":500,"msg":"404 NOT_FOUND","success":false}` (Claude Code
behind a base URL with a wrong path), Cloudflare (API v4), Baidu's Qianfan (`error_code`), MiniMax
(`base_resp`, in each answer, with 0 where all is well).
"""

from __future__ import annotations

from typing import Final

from inspector.model.http import ApiError

#: Statuses of failures (RFC 9110 15.5, 15.6), which `code` repeats; other numbers may mean success.
_FAILURES: Final = range(400, 600)
#: Members of which a document that is an answer has one: Messages, Chat Completions, Responses,
#: embeddings, Gemini, Bedrock, Ollama, Cohere, text-generation-inference.
_OF_ANSWERS: Final = frozenset({
    "choices", "content", "output", "outputs", "data", "candidates", "promptFeedback", "completion",
    "results", "generation", "generations", "generated_text", "embedding", "embeddings",
    "predictions", "text", "response", "done", "usage", "usageMetadata", "input_tokens",
    "totalTokens", "id", "object", "type", "model",
})  # fmt: skip
#: Where gateways and APIs write what they say of a failure.
_TEXTS: Final = ("message", "msg", "detail", "Message", "error_msg", "errorMessage")


def refusal_in(document: dict[str, object]) -> ApiError | None:
    """The error that a document of success states by a number; None where it states none."""
    if document.get("success") is False:
        code = _number(document.get("code")) or _number(_first(document.get("errors"), "code"))
        return ApiError("success false" if code is None else str(code), None)
    base = document.get("base_resp")
    stated = base.get("status_code") if isinstance(base, dict) else document.get("error_code")
    if code := _number(stated):
        return ApiError(str(code), None)
    code = _number(document.get("code"))
    if code in _FAILURES and is_message(document):
        return ApiError(str(code), None)
    return None


def is_message(document: object) -> bool:
    """Whether a document has a text that an error would have, and nothing that an answer has."""
    if not isinstance(document, dict) or not _OF_ANSWERS.isdisjoint(document):
        return False
    return any(isinstance(text := document.get(name), str) and text for name in _TEXTS)


def _first(items: object, name: str) -> object:
    """A member of the first of some objects."""
    if isinstance(items, list) and items and isinstance(items[0], dict):
        return items[0].get(name)
    return None


def _number(value: object) -> int | None:
    """A number that is stated; True is none."""
    return value if type(value) is int else None
