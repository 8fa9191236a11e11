"""Whether a client can take an answer that has the status of success.

A 2xx says that the exchange went well, not that what came is an answer: gateways put an error's
object into a 200, a sign-in page answers any path, a coding that nobody offered is noise, a 3xx
without an address leads nowhere.  Asked is only of what generates (`GENERATES`), where the API's
reference promises a body; a 200 without one is right for telemetry.  What no client takes,
whatever it asked for, is a status below 100, or two lengths.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from inspector.model.http import Exchange, Request, Response, header
from inspector.model.network import BY_CLIENT
from inspector.regex import regex

Unusable: TypeAlias = Literal[
    "error",
    "nothing",
    "silence",
    "page",
    "coding",
    "framing",
    "lengths",
    "status",
    "nowhere",
    "no-socket",
]

#: Paths whose success is a document: Messages, Chat Completions, Responses, Gemini, Bedrock.
GENERATES: Final = regex(
    r"/(?:messages|completions|responses|embeddings|converse|invoke|generate|chat)/?(?:\?|$)"
    r"|:(?:generateContent|streamGenerateContent|embedContent|predict|rawPredict"
    r"|streamRawPredict|countTokens)"
    r"|/(?:count_tokens|converse-stream|invoke-with-response-stream)/?(?:\?|$)"
)
#: Redirects that name an address (RFC 9110 15.4); 304 answers a question about a copy.
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: Statuses that an answer without a body may have by mistake; 202 and 201 speak of something else.
_EMPTY: Final = frozenset({200, 204, 205})
#: The event by which a stream is only kept open (Messages).
_PING: Final = "ping"
_LENGTH_SIZE: Final = len("content-length")
_CODING_SIZE: Final = len("transfer-encoding")
_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
#: A coding and its old name (RFC 9110 8.4.1.3).
_ALIASES: Final = {"x-gzip": "gzip", "x-compress": "compress"}


def generates(request: Request) -> bool:
    """Whether a request asks for what a model makes."""
    return request.method == "POST" and _is_of_model(request.target)


@lru_cache(maxsize=64)  # a client asks at few places
def _is_of_model(target: str) -> bool:
    return GENERATES.search(target) is not None


def is_redirect(response: Response) -> bool:
    """Whether an answer sends its call to another address."""
    return response.status in REDIRECTS and bool(header(response, "location"))


def unusable(exchange: Exchange) -> Unusable | None:
    """Why a client cannot take an answer of success; None where nothing speaks against it."""
    request, response = exchange.request, exchange.response
    if request is None or response is None or response.status >= 400 or response.status == 101:
        return None
    if response.status < 100:
        return "status"
    if not _is_of_its_length(request, response):
        return "lengths"
    if asks_for_socket(request) and response.status < 300:
        return "no-socket"
    if exchange.ended_by in BY_CLIENT and _is_framed_twice(response):
        return "framing"
    if not response.complete or not generates(request):
        return None
    if response.status >= 300:
        return None if is_redirect(response) else "nowhere"
    stream = response.stream
    if stream is None and response.api_error is not None:
        return "error"
    if response.status in _EMPTY and not response.body_bytes:
        return "nothing"
    if stream is not None and not stream.malformed and stream.events == stream.names.get(_PING, 0):
        return "silence"
    if response.content_type in _PAGES:
        return "page"
    if response.content_encoding is None:
        return None
    return "coding" if _unasked(request, response) else None


def is_untold_error(exchange: Exchange) -> bool:
    """Whether an answer of success holds an error of which no text is known."""
    response = exchange.response
    error = None if response is None else response.api_error
    return error is not None and error.message is None and unusable(exchange) == "error"


def asks_for_socket(request: Request) -> bool:
    """Whether a request wants to go on as WebSocket: its client takes 101 alone (RFC 6455 4.1)."""
    return (header(request, "upgrade") or "").lower() == "websocket"


def _is_of_its_length(request: Request, response: Response) -> bool:
    """Whether Content-Length is one number and, where HTTP/2 framed the body, the body's.

    No client goes on where it is not (RFC 9112 6.3, RFC 9113 8.1.1).
    """
    stated = []
    for name, value in response.headers:
        size = len(name)  # asked of every answer: both names are looked for at once
        if size == _LENGTH_SIZE and name.lower() == "content-length":
            stated.append(value)
        elif size == _CODING_SIZE and name.lower() == "transfer-encoding":
            return True
    if not stated:
        return True
    length = stated[0]
    if len(stated) > 1 or not length.isdecimal():
        lengths = {item.strip() for value in stated for item in value.split(",")}
        if len(lengths) > 1 or not all(item.isdecimal() for item in lengths):
            return False
        length = lengths.pop()
    has_body = response.complete and request.method != "HEAD" and response.status not in (204, 304)
    return not has_body or int(length) == response.body_bytes


def _is_framed_twice(response: Response) -> bool:
    """Content-Length beside Transfer-Encoding: a sender must not (RFC 9112 6.2), Node refuses it.

    Others take it, so that it explains only an answer that its client walked away from.
    """
    return None not in (header(response, "content-length"), header(response, "transfer-encoding"))


def _unasked(request: Request, response: Response) -> bool:
    """Whether Accept-Encoding lists no such coding; without it any may come (RFC 9110 12.5.3)."""
    used = response.content_encoding
    if used is None or response.looks_like is not None:
        return False
    offered = header(request, "accept-encoding")
    if offered is None:
        return False
    listed = {_coding(item) for item in offered.split(",") if not _is_barred(item)}
    codings = [_coding(item) for item in used.split(",")]
    if "*" in listed:
        return False
    return any(coding not in ("", "identity") and coding not in listed for coding in codings)


def _coding(item: str) -> str:
    name = item.partition(";")[0].strip().lower()
    return _ALIASES.get(name, name)


def _is_barred(item: str) -> bool:
    return re.search(r";\s*q=0(?:\.0*)?\s*$", item) is not None
