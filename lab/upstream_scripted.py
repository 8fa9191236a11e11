"""What an upstream host answers: its API's own answer, or one that a switch puts in its place.

The texts of refusals are those of the APIs' own, as their references and public issues quote them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from lab.upstream_apis import APIS, Reply, Request, anthropic_error, gemini_error, openai_error
from lab.upstream_behaviour import Behaviour

#: Answers that a switch can put in place of the API's own, by what each family calls them:
#: (status, Anthropic's type, OpenAI's type, google.rpc.Code, message).
SCRIPTED: Final[Mapping[str, tuple[int, str, str, str, str]]] = {
    "400": (
        400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT",
        "messages: Input should be a valid list",
    ),
    "401": (
        401, "authentication_error", "invalid_request_error", "UNAUTHENTICATED",
        "invalid x-api-key",
    ),
    "403": (
        403, "permission_error", "insufficient_permissions", "PERMISSION_DENIED",
        "This organization has been disabled.",
    ),
    "404": (404, "not_found_error", "invalid_request_error", "NOT_FOUND", "Not Found"),
    "413": (
        413, "request_too_large", "invalid_request_error", "INVALID_ARGUMENT",
        "Request exceeds the maximum size",
    ),
    "429": (
        429, "rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED",
        "Number of requests has exceeded your rate limit",
    ),
    "500": (500, "api_error", "server_error", "INTERNAL", "Internal server error"),
    "529": (529, "overloaded_error", "server_error", "UNAVAILABLE", "Overloaded"),
}  # fmt: skip


#: The page of an edge that asks a browser to prove itself, in short.
_CHALLENGE: Final = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>"
    b"<noscript>Enable JavaScript and cookies to continue</noscript></body></html>"
)


def _moved() -> Reply:
    elsewhere = "https://eu.api.openai.com/v1/chat/completions"
    return Reply(308, b"", "text/html", [("location", elsewhere)])


def _error_in_200() -> Reply:
    error = {"message": "The server had an error", "type": "server_error", "code": None}
    return Reply(200, json.dumps({"error": error}).encode())


#: Answers that are of one API only, by name.
REFUSALS: Final[Mapping[str, Callable[[], Reply]]] = {
    "key-missing": lambda: openai_error(
        401, "invalid_request_error",
        "You didn't provide an API key. You need to provide your API key in an Authorization"
        " header using Bearer auth.",
    ),
    "model-missing": lambda: openai_error(
        404, "invalid_request_error",
        "The model `gpt-lab-1` does not exist or you do not have access to it.",
        "model_not_found",
    ),
    "model-unsupported": lambda: openai_error(
        400, "invalid_request_error", "The requested model is not supported.",
        "model_not_supported",
    ),
    "organization": lambda: openai_error(
        401, "invalid_request_error",
        "OpenAI-Organization header should match organization for API key",
        "mismatched_organization",
    ),
    "upgrade-required": lambda: openai_error(426, "invalid_request_error", "Upgrade required"),
    "token-expired": lambda: anthropic_error(
        401, "authentication_error",
        "OAuth token has expired. Please obtain a new token or refresh your existing token.",
    ),
    "challenge": lambda: Reply(
        403, _CHALLENGE, "text/html; charset=UTF-8", [("cf-mitigated", "challenge")]
    ),
    "moved": _moved,
    "error-in-200": _error_in_200,
}  # fmt: skip


def _scripted(request: Request, behaviour: Behaviour) -> Reply:
    if behaviour.answer in REFUSALS:
        return REFUSALS[behaviour.answer]()
    status, anthropic, openai, google, message = SCRIPTED[behaviour.answer]
    waits = status in (429, 529)
    retry = [("retry-after", str(behaviour.retry_after))] if waits else []
    if request.host == "api.anthropic.com":
        return anthropic_error(status, anthropic, message, *retry)
    if request.host == "generativelanguage.googleapis.com":
        return gemini_error(status, google, message)
    reply = openai_error(status, openai, message)
    reply.headers.extend(retry)
    return reply


def answer(request: Request, behaviour: Behaviour) -> Reply:
    """What the host answers, with the headers that its edge adds before the API's own."""
    scripted = behaviour.answer != "ok"
    if request.header("host") is None:  # RFC 9112 section 3.2: the edge refuses, no API is asked
        reply = Reply(400, b"<html><title>400 Bad Request</title></html>\n", "text/html")
    else:
        reply = (_scripted if scripted else APIS[request.host])(request, behaviour)
    edge = [("date", format_datetime(datetime.now(UTC), usegmt=True))]
    if not request.host.endswith(".amazonaws.com"):
        edge += [("server", "cloudflare"), ("cf-ray", f"{secrets.token_hex(8)}-IAD")]
    reply.headers[:0] = edge
    return reply
