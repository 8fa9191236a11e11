"""What became of a call, and who answered it, told from the call's own hop.

A call failed when its answer is missing, partial, damaged, an error, or says so inside its
stream.  Whatever a gap or the end of the capture hides is "unknown", never a failure.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from inspector.diagnosis.usable import generates, is_redirect, unusable
from inspector.exchanges.response_bodies import BROKEN, MESSAGE, is_json
from inspector.model.http import EndedBy, EventStream, Exchange, Request, Response, WebSocket
from inspector.model.network import BY_CLIENT
from inspector.model.providers import GRAMMARS
from inspector.protocols.websocket import IN_ORDER

CallOutcome: TypeAlias = Literal[
    "answered",  # whole and well
    "unknown",  # a gap, or the capture's end
    "status",  # an error status
    "error-event",  # an error inside the stream
    "redirected",  # sent to another address
    "unusable",  # a success that is no answer
    "damaged",  # framing, JSON, or labels that contradict the bytes
    "cut",  # the server's side ended it early
    "unanswered",  # the server's side closed without one byte
    "left",  # the client's side ended it early
    "unread",  # it went on in a protocol that is not read, or its answer is in such a form
    "undelivered",  # its bytes were sent again and again, and never acknowledged
]
SUCCEEDED: Final[frozenset[CallOutcome]] = frozenset({"answered", "unknown", "unread"})

#: Ends that hide what became of a call whose request was seen.
HIDING: Final[tuple[EndedBy, ...]] = ("gap", "capture-end")
#: Oddities of a body that make it unreadable as labelled.
_DAMAGE: Final = frozenset({"content-encoding-mismatch", "content-encoding-corrupt"})
#: Oddities of a body of which nothing was read, or understood, though its media type is known.
_UNREAD: Final = frozenset({"unknown-content-encoding", "json-too-long", MESSAGE})
#: The API proxy 0.25.4 appends this to a stream that broke off upstream.
BARE_ERROR: Final = "sse-bare-error"
#: Event names that show how a stream of theirs must end.
_FIRST_EVENTS: Final = frozenset(event for known in GRAMMARS for event in known.first_events)


def outcome_of(exchange: Exchange) -> CallOutcome:
    """What became of one exchange."""
    request, response, ended = exchange.request, exchange.response, exchange.ended_by
    if request is None:
        return "unknown"
    if response is not None:
        if response.status >= 400:
            return "status"
        if exchange.grpc is not None and exchange.grpc.status is not None:
            return "status" if exchange.grpc.status else "answered"
        if response.status == 101:
            return _of_upgrade(exchange, response)
    if ended == "unread":
        return "unread"
    if ended in HIDING and not (
        response is not None and response.stream is not None and response.stream.terminated
    ):
        return "unknown"
    by_client = ended in BY_CLIENT
    if response is None:
        return "left" if by_client else "unanswered"
    if is_redirect(response):
        return "redirected"
    if unusable(exchange) is not None and not _is_damaged(request, response):
        return "unusable"
    if response.stream is not None:
        return _of_stream(response, response.stream, by_client)
    if _is_damaged(request, response):
        return "damaged"
    if response.complete:
        return "answered" if _is_read(request, response) else "unread"
    return "left" if by_client else "cut"


def _of_upgrade(exchange: Exchange, response: Response) -> CallOutcome:
    """What became of a call behind a 101: of a WebSocket the messages tell, of all else nobody."""
    shown, stream = exchange.websocket, response.stream
    if response.api_error is not None and response.api_error.status is not None:
        return "status"
    if stream is not None and stream.error is not None:
        return "error-event"
    if shown is not None and shown.closed_by == "server" and not is_in_order(shown):
        return "cut"
    if shown is None or stream is None:
        return "unread"
    if stream.terminated:
        return "answered"
    if exchange.ended_by in HIDING:
        return "unknown"
    by_client = shown.closed_by == "client" or exchange.ended_by in BY_CLIENT
    return "left" if by_client else "cut"


def _is_damaged(request: Request, response: Response) -> bool:
    """Whether the bytes contradict the labels."""
    if response.looks_like is not None:
        return True
    if not response.oddities:
        return False
    if BROKEN in response.oddities and generates(request):
        return True  # where no answer is promised JSON that is none may be a habit
    return not _DAMAGE.isdisjoint(response.oddities)


def _is_read(request: Request, response: Response) -> bool:
    """Whether somebody looked at what a model was asked for: an error may be in it as well.

    Of plain text only JSON is read; a sentence may be an answer, or a gateway's excuse.
    """
    if not response.body_bytes or not generates(request):
        return True
    kind = response.content_type
    if kind == "text/plain":
        return (response.model, response.usage, response.stop_reason) != (None, None, None)
    return is_json(kind) and _UNREAD.isdisjoint(response.oddities)


def _of_stream(response: Response, stream: EventStream, by_client: bool) -> CallOutcome:
    bare = BARE_ERROR in response.oddities
    if not stream.terminated and bare:
        return "cut"
    if stream.error is not None:
        return "error-event"
    if "content-encoding-mismatch" in response.oddities or response.looks_like is not None:
        return "damaged"
    if stream.malformed > bare:
        return "damaged"
    if stream.terminated:
        return "answered"
    if not response.complete:
        return "left" if by_client else "cut"
    # A proper last chunk says nothing of a stream whose grammar ends otherwise.
    known = bool(_FIRST_EVENTS & set(stream.names)) or response.model is not None
    return "cut" if known else "answered"


def is_in_order(shown: WebSocket) -> bool:
    """Whether a WebSocket's closing frame, if there was one, says that all is well."""
    return shown.close_code is None or shown.close_code in IN_ORDER


def is_bare(response: Response) -> bool:
    """Whether a whole response says nothing but its status: no field of an application's."""
    names = {name.lower() for name, _ in response.headers}
    return response.complete and names <= {"connection", "keep-alive", "date", "content-length"}
