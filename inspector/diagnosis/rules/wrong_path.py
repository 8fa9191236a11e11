"""A path that the API's reference does not have."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, told
from inspector.model.providers import Provider

ABOUT: Final = Code(
    "wrong-path",
    severity="error",
    title="The API has no such path",
    needs=AGENT_HOP,
    meaning=(
        "The API answered 404 to a path that its reference does not have: a base URL that lacks"
        " or repeats /v1, or a retired endpoint. The credential was not the trouble."
    ),
    advice=("Compare the path with the API's reference; mostly the client's base URL is wrong."),
    shown_by="h1-wrong-path",
)

#: First parts of paths in the providers' public references, as the API proxy is asked for
#: them.  A provider that is not here has too many.
PATHS: Final[dict[Provider, tuple[str, ...]]] = {
    "anthropic": ("/v1/messages", "/v1/models", "/v1/files", "/v1/skills", "/v1/organizations"),
    "openai": (
        "/v1/chat/completions", "/v1/responses", "/v1/models", "/v1/embeddings", "/v1/files",
        "/v1/images", "/v1/audio", "/v1/moderations", "/v1/batches", "/v1/completions",
        "/v1/realtime", "/v1/assistants", "/v1/threads", "/v1/vector_stores", "/v1/conversations",
    ),
    "copilot": (
        "/chat/completions", "/models", "/responses", "/embeddings", "/agents", "/v1/messages",
        "/mcp", "/v1/",
    ),
    "gemini": ("/v1beta/", "/v1/", "/v1alpha/"),
}  # fmt: skip


def explains(call: FailedCall, case: Case) -> bool:
    """404 of the API; one that speaks of a model is about the model."""
    request = call.exchange.request
    if call.answered_by != "upstream" or call.status != 404 or request is None:
        return False
    if "model" in call.message:
        return False
    known = PATHS.get(call.exchange.provider)
    path = urlsplit(request.target).path
    return known is not None and not path.startswith(known)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    request = call.exchange.request
    path = "" if request is None else urlsplit(request.target).path
    return f"The API has no {path[:40]}: {count} x 404 ({at(call.packet, case)})."


CAUSE: Final = Cause(ABOUT, explains, sentence, told)
