"""What the JSON of an LLM API states about a call: model, token counts, why it stopped, errors.

The same shapes come as whole bodies and, one level down, as events of a
stream; both are read here, by tables of paths into the document.  Prompts and
answers are never looked at.

Sources: the public API references of Anthropic (Messages), OpenAI (Chat
Completions, Responses), Google (generateContent) and Azure; the API proxy's
own errors as recorded on the real program.
"""

from __future__ import annotations

import codecs
import json
from typing import Final, Never, TypeAlias

import orjson

from inspector.fact import Fact
from inspector.model.http import ApiError, Usage
from inspector.model.providers import GRAMMARS
from inspector.protocols.refusals import is_message, refusal_in
from inspector.regex import regex

#: No text taken from a body is longer than this, in characters.
TEXT_LIMIT: Final = 300

_Path: TypeAlias = tuple[str, *tuple[str | int, ...]]

#: Where the model's name stands: whole bodies first, then stream events.
MODEL_PATHS: Final[tuple[_Path, ...]] = (
    ("model",),
    ("modelVersion",),
    ("message", "model"),
    ("response", "model"),
)

#: Where the reason for stopping stands.  A Responses document has none when
#: it is complete; its `status` is then read by `_status_of_response`.
STOP_PATHS: Final[tuple[_Path, ...]] = (
    ("stop_reason",),
    ("delta", "stop_reason"),
    ("message", "stop_reason"),
    ("choices", 0, "finish_reason"),
    ("candidates", 0, "finishReason"),
    ("incomplete_details", "reason"),
    ("response", "incomplete_details", "reason"),
)

#: Where the object with the token counts stands.
USAGE_PATHS: Final[tuple[_Path, ...]] = (
    ("usage",),
    ("usageMetadata",),
    ("message", "usage"),
    ("response", "usage"),
)

#: Names of the count of input tokens: Anthropic and Responses, Chat, Gemini.
INPUT_NAMES: Final = ("input_tokens", "prompt_tokens", "promptTokenCount")
OUTPUT_NAMES: Final = ("output_tokens", "completion_tokens", "candidatesTokenCount")

#: Where an error object stands.
ERROR_PATHS: Final[tuple[_Path, ...]] = (("error",), ("response", "error"))

#: What tells an error's kind, the most specific first.  Anthropic and OpenAI
#: have `type`; Gemini a reason among its details, then a status; Azure a code.
#: The last of these that says something else than the first is its code.
ERROR_TYPE_PATHS: Final[tuple[_Path, ...]] = (
    ("type",),
    ("details", 0, "reason"),
    ("details", 1, "reason"),
    ("status",),
    ("code",),
)

#: Where the text stands beside an `error` that is only a string: the API
#: proxy's `{"error":"Proxy error","message":…}`, OAuth's `error_description`.
STRING_ERROR_TEXTS: Final[tuple[_Path, ...]] = (("message",), ("error_description",), ("details",))

#: Members that hold the text of an error status without an `error` member:
#: GitHub and Azure API Management, FastAPI gateways, AWS, Apigee, Cloudflare.
BARE_ERROR_TEXTS: Final[tuple[_Path, ...]] = (
    ("message",),
    ("detail",),
    ("Message",),
    ("fault", "faultstring"),
    ("errors", 0, "message"),
)

#: What tells the kind of such an error: AWS, Mistral and Copilot, Apigee, gateways of Spring.
BARE_ERROR_TYPES: Final[tuple[_Path, ...]] = (
    ("__type",),
    ("type",),
    ("code",),
    ("fault", "detail", "errorcode"),
    ("error_code",),
)

#: Which grammar an event belongs to, by its `event:` field or the `type` in its data.
GRAMMAR_EVENTS: Final = {
    event: grammar.name for grammar in GRAMMARS for event in grammar.first_events
}

#: The same by a member of the data, for grammars whose events have no names.
GRAMMAR_MEMBERS: Final = {
    grammar.member: grammar.name for grammar in GRAMMARS if grammar.member is not None
}

#: Events that end a stream.  OpenAI Chat ends with the data `[DONE]` instead,
#: Gemini with a chunk whose candidate has a `finishReason`.
TERMINAL_EVENTS: Final = frozenset(
    event for grammar in GRAMMARS for event in grammar.terminal_events
)

#: Events that state the model, usage, a stop reason or an error.
FACT_EVENTS: Final = frozenset({"message_delta", "error", *GRAMMAR_EVENTS, *TERMINAL_EVENTS})

#: Other events whose names start so carry nothing but content.
CONTENT_PREFIXES: Final = ("content_block_", "response.", "ping")

# RFC 8259 8.2: an escaped lone surrogate is valid JSON and orjson refuses it.
# A streamed answer cut in the middle of an emoji holds one.
_SURROGATE = regex(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class JsonFacts(Fact):
    """What one JSON document states; every field null when it does not."""

    model: str | None = None
    usage: Usage | None = None
    stop_reason: str | None = None
    api_error: ApiError | None = None


NOTHING: Final = JsonFacts()


def parse_json(data: bytes) -> object:
    """The value of a JSON text; a mark of byte order before it is passed over, as clients do.

    Raises ValueError when it is not JSON, not UTF-8, or nested deeper than
    1024 levels (orjson's own guard, so no stack can overflow).
    """
    try:
        value: object = orjson.loads(data)
    except orjson.JSONDecodeError:
        text = data.removeprefix(codecs.BOM_UTF8)
        value = orjson.loads(_SURROGATE.sub(rb"\\ufffd", text))
    return value


def _no_number(name: str) -> Never:
    raise ValueError(f"{name} is no JSON")


#: Reads one document in C and makes nothing of its numbers, which may have any length.
_DOCUMENT: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_number)


def is_broken_json(data: bytes) -> bool:
    """Whether no JSON document begins here, or one that does not end.

    Passed over are what follows a document's end, since some servers write several, what is too
    deep to be followed, a mark of byte order that a reader may ignore (RFC 8259 8.1), and bytes
    that are not UTF-8, which clients replace.
    """
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    try:
        _DOCUMENT.raw_decode(text.lstrip(" \t\n\r"))
    except RecursionError:
        return False
    except ValueError:
        return True
    return False


def read_json_body(data: bytes, status: int) -> JsonFacts:
    """The facts of a whole JSON body answered with the HTTP status `status`.

    Anything else than a JSON object (or an array of them, Gemini's stream
    without `alt=sse`) gives empty facts.  Texts are cut to `TEXT_LIMIT`
    characters and otherwise as sent: a caller redacts them.
    """
    try:
        document = parse_json(data)
    except ValueError:
        return NOTHING
    if isinstance(document, list):
        facts = NOTHING
        for element in document:
            facts = merge(facts, read_document(element, status))
        return facts
    return read_document(document, status)


def is_bare_message(data: bytes) -> bool:
    """Whether a JSON body is a message and nothing of an answer (`refusals`)."""
    try:
        return is_message(parse_json(data))
    except ValueError:
        return False


def read_document(document: object, status: int = 200) -> JsonFacts:
    """The facts of a parsed document: a body, or the data of one stream event."""
    if not isinstance(document, dict):
        return NOTHING
    return JsonFacts(
        _first_text(document, MODEL_PATHS),
        _usage(document),
        _first_text(document, STOP_PATHS) or _status_of_response(document),
        _api_error(document, status),
    )


def merge(earlier: JsonFacts, later: JsonFacts) -> JsonFacts:
    """Both documents' facts as those of one answer.

    The first model and error stand; counts and the stop reason are those
    stated last, since streams repeat them as running totals.
    """
    return JsonFacts(
        earlier.model or later.model,
        _merge_usage(earlier.usage, later.usage),
        later.stop_reason or earlier.stop_reason,
        earlier.api_error or later.api_error,
    )


def is_plain_chunk(document: dict[str, object]) -> bool:
    """Whether an OpenAI chunk is one of the many that carry a piece of the answer only."""
    choices = document.get("choices")
    return (
        isinstance(choices, list)
        and len(choices) == 1
        and isinstance(choices[0], dict)
        and choices[0].get("finish_reason") is None
        and document.get("usage") is None
        and "error" not in document
    )


def holds_content_only(name: str) -> bool:
    """Whether events of this name are known to state nothing."""
    return name.startswith(CONTENT_PREFIXES) and name not in FACT_EVENTS


def _merge_usage(earlier: Usage | None, later: Usage | None) -> Usage | None:
    if earlier is None or later is None:
        return later or earlier
    return Usage(
        earlier.input_tokens if later.input_tokens is None else later.input_tokens,
        earlier.output_tokens if later.output_tokens is None else later.output_tokens,
    )


def _at(document: dict[str, object], path: _Path) -> object:
    """The value at `path`, None where the document has another shape."""
    value: object = document.get(path[0])
    if value is None:
        return None  # most paths end here: each grammar has but a few of them
    for step in path[1:]:
        if isinstance(step, str):
            if not isinstance(value, dict):
                return None
            value = value.get(step)
        elif isinstance(value, list) and len(value) > step:
            value = value[step]
        else:
            return None
    return value


def _text(value: object) -> str | None:
    return value[:TEXT_LIMIT] if isinstance(value, str) and value else None


def _first_text(document: dict[str, object], paths: tuple[_Path, ...]) -> str | None:
    for path in paths:
        # `_at` and `_text`, mostly without their calls: each grammar has but a few of the paths.
        if path[0] not in document:
            continue
        value = document[path[0]] if len(path) == 1 else _at(document, path)
        if type(value) is str and value:
            return value[:TEXT_LIMIT]
    return None


def _count(counts: dict[str, object], names: tuple[str, ...]) -> int | None:
    for name in names:
        if name in counts:
            value = counts[name]
            if type(value) is int and value >= 0:
                return value
    return None


def _usage(document: dict[str, object]) -> Usage | None:
    for path in USAGE_PATHS:
        if path[0] not in document:
            continue
        counts = document[path[0]] if len(path) == 1 else _at(document, path)
        if type(counts) is dict:
            usage = Usage(_count(counts, INPUT_NAMES), _count(counts, OUTPUT_NAMES))
            if usage.input_tokens is not None or usage.output_tokens is not None:
                return usage
    return None


def _status_of_response(document: dict[str, object]) -> str | None:
    """Why a document of Responses stopped that gives no reason."""
    for response in (document, document.get("response")):
        if isinstance(response, dict) and response.get("object") == "response":
            status = _text(response.get("status"))
            return None if status in ("in_progress", "queued") else status
    return None


def _api_error(document: dict[str, object], status: int) -> ApiError | None:
    for path in ERROR_PATHS:
        if path[0] not in document:
            continue
        error = _at(document, path)
        if isinstance(error, dict) and error:
            kinds = _words(error, ERROR_TYPE_PATHS)
            code = next((kind for kind in reversed(kinds[1:]) if _is_word(kind, kinds[0])), None)
            return ApiError(kinds[0], _text(error.get("message")), code, _status(document))
        if (text := _text(error)) is not None:
            message = _first_text(document, STRING_ERROR_TEXTS)
            return ApiError(None, text) if message is None else ApiError(text, message)
    if document.get("type") == "error":  # Responses: `event: error` without an `error` object
        kind, text = _text(document.get("code")), _text(document.get("message"))
        return ApiError(kind, text, status=_status(document))
    if status >= 400:
        message = _first_text(document, BARE_ERROR_TEXTS)
        kinds = _words(document, BARE_ERROR_TYPES)
        if message is not None or kinds[0] is not None:
            return ApiError(kinds[0], message)
        return None
    return refusal_in(document)


def _status(document: dict[str, object]) -> int | None:
    """The status that the error of a WebSocket has beside it: there is none of HTTP."""
    if document.get("type") != "error":
        return None
    for name in ("status", "status_code"):
        value = document.get(name)
        if type(value) is int and 400 <= value <= 599:
            return value
    return None


def _is_word(kind: str | None, first: str | None) -> bool:
    """Whether a kind is a word, other than the first: a number repeats the status."""
    return kind is not None and kind != first and not kind.isdecimal()


def _words(error: dict[str, object], paths: tuple[_Path, ...]) -> list[str | None]:
    """The words or numbers at these places; null alone where there is none."""
    found: list[str | None] = []
    for path in paths:
        value = _at(error, path)
        if isinstance(value, int) and not isinstance(value, bool):
            found.append(str(value)[:TEXT_LIMIT])
        elif (text := _text(value)) is not None:
            found.append(text)
    return found or [None]
