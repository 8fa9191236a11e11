"""What the APIs answer: credentials, errors, messages and event streams, as documented.

Pure functions of a request.  Sources: Anthropic's API reference (errors, versioning, messages,
streaming), OpenAI's (error codes, chat, responses), GitHub Copilot's plain-text refusals as seen
in the field, google.rpc.Status for Gemini, and AWS's (signatures, errors) for Bedrock.  Texts are
this lab's, grammars are theirs.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from lab.upstream_behaviour import Behaviour

SAID: Final = "Packet captures are ledgers: every byte is accounted for."
_PIECE: Final = 9
_JSON: Final = "application/json"
_STREAM: Final = "text/event-stream; charset=utf-8"
_VERSIONS: Final = ("2023-01-01", "2023-06-01", "2026-10-21")
#: Words that mark the firewall's public placeholders.
_PLACEHOLDERS: Final = ("placeholder", "ghu_" + 36 * "a")

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the server read it; header names as they came."""

    host: str
    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of that name, without regard to case."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    def query(self, name: str) -> str | None:
        """One value of the query."""
        return parse_qs(urlsplit(self.target).query).get(name, [None])[0]

    def json(self) -> Mapping[str, Any]:
        """The body as an object; empty when it is none."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: a body, or the events of a stream."""

    status: int
    body: bytes = b""
    content_type: str = _JSON
    headers: Headers = field(default_factory=list)
    #: Events as written, each with its blank line; None when this is no stream.
    events: tuple[bytes, ...] | None = None
    #: The event that tells of an error after the 200, in this provider's words.
    error_event: bytes = b""


def _bytes(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _event(value: Mapping[str, Any], *, named: bool = True) -> bytes:
    name = f"event: {value['type']}\n".encode() if named else b""
    return name + b"data: " + _bytes(value) + b"\n\n"


def _pieces() -> list[str]:
    return [SAID[at : at + _PIECE] for at in range(0, len(SAID), _PIECE)]


def _request_id() -> str:
    return "req_011C" + secrets.token_hex(10)


def _secret(value: str | None) -> str:
    """The credential in an Authorization header: what follows the scheme."""
    return (value or "").partition(" ")[2].strip()


def _accepted(secret: str, behaviour: Behaviour) -> bool:
    if behaviour.accepts:
        return secret in behaviour.accepts
    return bool(secret) and not any(word in secret for word in _PLACEHOLDERS)


# --- Anthropic -------------------------------------------------------------------------------


def anthropic_error(status: int, kind: str, message: str, *headers: tuple[str, str]) -> Reply:
    """An error of api.anthropic.com: its id is in the body and in ``request-id``."""
    request_id = _request_id()
    body = {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": request_id,
    }
    retry = ("x-should-retry", "true" if status in (429, 500, 529) else "false")
    return Reply(status, _bytes(body), headers=[("request-id", request_id), *headers, retry])


def _anthropic_auth(request: Request, behaviour: Behaviour) -> Reply | None:
    key, bearer = request.header("x-api-key"), request.header("authorization")
    if key is None and bearer is None:
        return anthropic_error(401, "authentication_error", "x-api-key header is required")
    if key is not None:
        if not _accepted(key.strip(), behaviour):
            return anthropic_error(401, "authentication_error", "invalid x-api-key")
    elif not _accepted(_secret(bearer), behaviour):
        return anthropic_error(401, "authentication_error", "Invalid bearer token")
    return None


def _anthropic_versions(request: Request, behaviour: Behaviour) -> Reply | None:
    version = request.header("anthropic-version")
    if version is None:
        return anthropic_error(
            400, "invalid_request_error", "anthropic-version: header is required"
        )
    if version not in _VERSIONS:
        message = f'anthropic-version: "{version}" is not a valid version'
        return anthropic_error(400, "invalid_request_error", message)
    for beta in (request.header("anthropic-beta") or "").split(","):
        if beta.strip() in behaviour.retired_betas:
            message = f"Unexpected value(s) `{beta.strip()}` for the `anthropic-beta` header"
            return anthropic_error(400, "invalid_request_error", message)
    return None


def _anthropic(request: Request, behaviour: Behaviour) -> Reply:
    refused = _anthropic_auth(request, behaviour) or _anthropic_versions(request, behaviour)
    if refused is not None:
        return refused
    ids: Headers = [
        ("request-id", _request_id()),
        ("anthropic-organization-id", "00000000-1ab0-4000-8000-00000000ab01"),
    ]
    if request.path == "/v1/models":
        model = {"type": "model", "id": "claude-sonnet-4-5-20250929", "display_name": "Sonnet"}
        return Reply(200, _bytes({"data": [model], "has_more": False}), headers=ids)
    if request.path != "/v1/messages" or request.method != "POST":
        return anthropic_error(404, "not_found_error", "Not Found")
    asked = request.json()
    if "model" not in asked:
        return anthropic_error(400, "invalid_request_error", "model: Field required")
    message: dict[str, Any] = {
        "id": "msg_011C" + secrets.token_hex(10),
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 33, "output_tokens": 1},
    }
    ids.append(("anthropic-ratelimit-requests-remaining", "3999"))
    if asked.get("stream"):
        return _anthropic_stream(message, ids)
    message["content"] = [{"type": "text", "text": SAID}]
    message["stop_reason"] = "end_turn"
    message["usage"] = {"input_tokens": 33, "output_tokens": 24}
    return Reply(200, _bytes(message), headers=ids)


def _anthropic_stream(message: Mapping[str, Any], ids: Headers) -> Reply:
    block = {"type": "text", "text": ""}
    deltas: list[dict[str, Any]] = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": piece},
        }
        for piece in _pieces()
    ]
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "ping"},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 24}},
        {"type": "message_stop"},
    ]
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    return Reply(
        200,
        content_type=_STREAM,
        headers=[("cache-control", "no-cache"), *ids],
        events=tuple(_event(event) for event in told),
        error_event=_event(error),
    )


# --- OpenAI and Copilot ----------------------------------------------------------------------


def openai_error(status: int, kind: str, message: str, code: str | None = None) -> Reply:
    """An error of api.openai.com."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return Reply(status, _bytes({"error": error}), headers=[("x-request-id", _request_id())])


def _openai(request: Request, behaviour: Behaviour) -> Reply:
    key = _secret(request.header("authorization"))
    if not key:
        message = "You didn't provide an API key in an Authorization header (Bearer auth)."
        return openai_error(401, "invalid_request_error", message)
    if not _accepted(key, behaviour):
        shown = f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}"
        message = f"Incorrect API key provided: {shown}."
        return openai_error(401, "invalid_request_error", message, "invalid_api_key")
    return _openai_call(request, "/v1")


def _openai_call(request: Request, prefix: str) -> Reply:
    ids = [("x-request-id", _request_id())]
    asked = request.json()
    model = str(asked.get("model", "gpt-5"))
    if request.path == f"{prefix}/models":
        body = {"object": "list", "data": [{"id": "gpt-5", "object": "model"}]}
        return Reply(200, _bytes(body), headers=ids)
    calls = {
        f"{prefix}/chat/completions": (_chat, _chat_stream),
        f"{prefix}/responses": (_response, _response_stream),
    }
    if request.path == f"{prefix}/responses" and request.header("sec-websocket-key") is not None:
        return Reply(101)
    if request.path not in calls or request.method != "POST":
        message = f"Invalid URL ({request.method} {request.path})"
        return openai_error(404, "invalid_request_error", message)
    whole, stream = calls[request.path]
    if not asked.get("stream"):
        return Reply(200, _bytes(whole(model)), headers=ids)
    error = {"error": {"message": "The server had an error", "type": "server_error"}}
    return Reply(
        200,
        content_type=_STREAM,
        headers=[("cache-control", "no-cache"), *ids],
        events=tuple(stream(model)),
        error_event=b"event: error\ndata: " + _bytes(error) + b"\n\n",
    )


_USAGE: Final = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}


def _chat(model: str) -> Mapping[str, Any]:
    message = {"role": "assistant", "content": SAID}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    made = {"id": "chatcmpl-lab", "object": "chat.completion", "created": 1795459000}
    return {**made, "model": model, "choices": [choice], "usage": _USAGE}


def _chat_stream(model: str) -> list[bytes]:
    made = {"id": "chatcmpl-lab", "object": "chat.completion.chunk", "created": 1795459000}

    def chunk(delta: Mapping[str, Any], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _event({**made, "model": model, "choices": [choice]}, named=False)

    told = [chunk({"role": "assistant", "content": ""}, None)]
    told += [chunk({"content": piece}, None) for piece in _pieces()]
    return [*told, chunk({}, "stop"), b"data: [DONE]\n\n"]


def _response(model: str, status: str = "completed") -> Mapping[str, Any]:
    content = [{"type": "output_text", "text": SAID, "annotations": []}]
    item = {"type": "message", "id": "msg_lab", "role": "assistant", "content": content}
    usage = {"input_tokens": 9, "output_tokens": 12, "total_tokens": 21}
    made = {"id": "resp_lab", "object": "response", "created_at": 1795459000, "status": status}
    if status != "completed":
        return {**made, "model": model, "output": [], "usage": None}
    return {**made, "model": model, "output": [item], "usage": usage}


def response_events(model: str) -> list[dict[str, Any]]:
    """The Responses API as events: the same over an event stream and over WebSocket."""
    deltas: list[dict[str, Any]] = [
        {"type": "response.output_text.delta", "item_id": "msg_lab", "delta": piece}
        for piece in _pieces()
    ]
    return [
        {"type": "response.created", "response": _response(model, "in_progress")},
        *deltas,
        {"type": "response.completed", "response": _response(model)},
    ]


def _response_stream(model: str) -> list[bytes]:
    return [_event(event) for event in response_events(model)]


def _copilot(request: Request, behaviour: Behaviour) -> Reply:
    scheme = (request.header("authorization") or "").partition(" ")[0]
    ids = [("x-github-request-id", secrets.token_hex(8).upper())]
    if scheme.lower() != "bearer":
        body = b"bad request: Authorization header is badly formatted\n"
        return Reply(400, body, "text/plain; charset=utf-8", ids)
    if not _accepted(_secret(request.header("authorization")), behaviour):
        body = b"unauthorized: token is not valid\n"
        return Reply(401, body, "text/plain; charset=utf-8", ids)
    return _openai_call(request, "")


# --- Gemini ----------------------------------------------------------------------------------


def gemini_error(status: int, name: str, message: str, reason: str | None = None) -> Reply:
    """An error of generativelanguage.googleapis.com (google.rpc.Status)."""
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if reason:
        info = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": info, "reason": reason, "domain": "googleapis.com"}]
    return Reply(status, _bytes({"error": error}), f"{_JSON}; charset=UTF-8")


def _gemini(request: Request, behaviour: Behaviour) -> Reply:
    key = request.header("x-goog-api-key") or request.query("key")
    bearer = request.header("authorization")
    if not key and bearer is not None and not _secret(bearer).startswith("ya29."):
        message = (
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
            "cookie or other valid authentication credential."
        )
        return gemini_error(401, "UNAUTHENTICATED", message, "ACCESS_TOKEN_TYPE_UNSUPPORTED")
    if not key:
        message = "Method doesn't allow unregistered callers (callers without an identity)."
        return gemini_error(403, "PERMISSION_DENIED", message)
    if not _accepted(key, behaviour):
        message = "API key not valid. Please pass a valid API key."
        return gemini_error(400, "INVALID_ARGUMENT", message, "API_KEY_INVALID")
    call = request.path.rpartition(":")[2]
    if call not in ("generateContent", "streamGenerateContent"):
        return gemini_error(404, "NOT_FOUND", "Requested entity was not found.")
    if call == "generateContent":
        return Reply(200, _bytes(_gemini_part(SAID, last=True)), f"{_JSON}; charset=UTF-8")
    pieces = _pieces()
    told = [_gemini_part(piece, last=piece is pieces[-1]) for piece in pieces]
    return Reply(
        200,
        content_type="text/event-stream",
        events=tuple(_event(part, named=False) for part in told),
        error_event=_event({"error": {"code": 503, "status": "UNAVAILABLE"}}, named=False),
    )


def _gemini_part(text: str, *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}}
    part: dict[str, Any] = {"candidates": [candidate], "modelVersion": "gemini-2.5-pro"}
    if last:
        candidate["finishReason"] = "STOP"
        part["usageMetadata"] = {"promptTokenCount": 9, "candidatesTokenCount": 12}
    return part


# --- Bedrock ---------------------------------------------------------------------------------

#: A signature holds for so long on either side of its time (AWS reference, "Signature Version 4").
_SIGNED_FOR: Final = timedelta(minutes=5)
_AMZ_TIME: Final = "%Y%m%dT%H%M%SZ"


def bedrock_error(status: int, kind: str, message: str) -> Reply:
    """An error of bedrock-runtime: its kind is in a header."""
    named = [("x-amzn-RequestId", str(uuid.uuid4())), ("x-amzn-ErrorType", kind)]
    return Reply(status, _bytes({"message": message}), headers=named)


def _bedrock(request: Request, behaviour: Behaviour) -> Reply:
    del behaviour
    if not request.path.startswith("/model/"):
        # What AWS's service framework says of a path that no operation has, whoever asks.
        kind = "com.amazon.coral.service#UnknownOperationException"
        return Reply(404, _bytes({"Output": {"__type": kind}, "Version": "1.0"}))
    signed = (request.header("authorization") or "").startswith("AWS4-HMAC-SHA256 ")
    if not signed:
        message = "Authorization header is missing or is not of AWS4-HMAC-SHA256"
        return bedrock_error(403, "MissingAuthenticationTokenException", message)
    # curl 7.88 writes a time that it was given twice, and Node puts equal fields on one line.
    stated = (request.header("x-amz-date") or "").partition(",")[0]
    then, now = datetime.strptime(stated, _AMZ_TIME).replace(tzinfo=UTC), datetime.now(UTC)
    if now - then > _SIGNED_FOR:
        now_text, limit = now.strftime(_AMZ_TIME), (now - _SIGNED_FOR).strftime(_AMZ_TIME)
        message = f"Signature expired: {stated} is now earlier than {limit} ({now_text} - 5 min.)"
        return bedrock_error(403, "InvalidSignatureException", message)
    content = [{"type": "text", "text": SAID}]
    told = {"type": "message", "role": "assistant", "content": content, "stop_reason": "end_turn"}
    ids = [("x-amzn-RequestId", str(uuid.uuid4()))]
    return Reply(200, _bytes(told), headers=ids)


# --- all of them -----------------------------------------------------------------------------

APIS: Final[Mapping[str, Callable[[Request, Behaviour], Reply]]] = {
    "api.anthropic.com": _anthropic,
    "api.openai.com": _openai,
    "api.githubcopilot.com": _copilot,
    "generativelanguage.googleapis.com": _gemini,
    "bedrock-runtime.us-east-1.amazonaws.com": _bedrock,
}
