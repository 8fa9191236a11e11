"""What is read of a response body: one reader a media type, behind the decoder of its codings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar, Final, Protocol

from inspector.credentials.body_keys import SEARCH_LIMIT
from inspector.model.capture import Fault
from inspector.model.http import ApiError, EventStream, PageAuthor, Usage
from inspector.protocols.api import (
    NOTHING,
    JsonFacts,
    is_bare_message,
    is_broken_json,
    read_json_body,
)
from inspector.protocols.api import TEXT_LIMIT as MESSAGE_LIMIT
from inspector.protocols.content import Budget, Decoder
from inspector.protocols.messages import EVERYTHING, MessageEnd, RequestHead, ResponseHead
from inspector.protocols.pages import PAGE_LIMIT, author_of
from inspector.protocols.sse import SseParser
from inspector.regex import regex
from inspector.wire import Segment

#: A JSON body is read whole or not at all; the largest that is kept for it.
JSON_LIMIT: Final = 1 << 20
#: A plain text is read where it tells of an error; APIs write one line, or JSON under this name.
TEXT_LIMIT: Final = 1 << 12
#: Decoded bytes of one event stream, a bomb limit: a day of tokens is less.
STREAM_LIMIT: Final = 1 << 30

#: JSON that is none.
BROKEN: Final = "json-broken"
#: JSON that says something, and is no answer.
MESSAGE: Final = "json-message-alone"
#: Name -> meaning, for the report.
FAULTS: Final[dict[str, str]] = {
    BROKEN: (
        "A whole body that is labelled JSON is none, or ends within its document, though its"
        " framing was kept."
    ),
    MESSAGE: (
        "The JSON of a success is a message and nothing of an answer; whether it speaks of an error"
        " is not known."
    ),
    "json-too-long": (
        "A JSON body exceeds the limit and is not read: what it says of an error, a model or tokens"
        " is not known."
    ),
}

GZIP: Final = b"\x1f\x8b\x08"
#: How an event stream begins (HTML 9.2.6): a field whose value the APIs always give.
EVENT_STREAM: Final = regex(rb"(?:\xef\xbb\xbf)?(?:event: ?\w|data: ?[\[{])")


def is_broken(faults: Iterable[Fault]) -> bool:
    """Whether a body was found to be no JSON, or to end within it."""
    return any(fault.name == BROKEN for fault in faults)


class ResponseReader(Protocol):
    """Takes a response body and answers what it states."""

    stream: EventStream | None
    api_error: ApiError | None
    model: str | None
    usage: Usage | None
    stop_reason: str | None
    looks_like: str | None
    page: PageAuthor | None
    faults: list[Fault]

    @property
    def decoded(self) -> int:
        """Bytes that its codings gave so far; 0 where none is on."""

    def feed(self, pieces: Sequence[Segment]) -> None:
        """The next pieces of the body, content coding still on."""

    def gap(self, missing: int, packet: int) -> None:
        """Bytes of the body are missing."""

    def finish(self, end: MessageEnd) -> None:
        """The body ended: fill in the attributes."""


#: What undoes nothing: it keeps nothing either, and is everybody's.
PLAIN: Final = Decoder(None, 0)


class _Reader:
    """What all readers share: the decoder in front and the facts behind."""

    stream: EventStream | None = None
    api_error: ApiError | None = None
    model: str | None = None
    usage: Usage | None = None
    stop_reason: str | None = None
    looks_like: str | None = None
    page: PageAuthor | None = None

    #: Decoded bytes that are taken of one body.
    limit: ClassVar[int] = JSON_LIMIT

    def __init__(self, head: ResponseHead, budget: Budget) -> None:
        self.faults: list[Fault] = []
        self._packet, self._status = head.packet, head.status
        self._at_start = self._whole = True
        self._decoder = PLAIN
        if b"content-encoding" in head.named:
            coding = head.named[b"content-encoding"]
            self._decoder = Decoder(coding.value.decode("latin-1"), self.limit, budget)

    def gap(self, missing: int, packet: int) -> None:
        """Bytes of the body are missing."""
        self._whole = False

    @property
    def decoded(self) -> int:
        """See `ResponseReader`."""
        coded = self._decoder.coded
        return 0 if coded is None else coded.decoded

    def _take(self, facts: JsonFacts) -> None:
        """What the API's JSON states."""
        self.api_error = facts.api_error
        self.model = facts.model
        self.usage = facts.usage
        self.stop_reason = facts.stop_reason

    def _decode(self, pieces: Sequence[Segment]) -> Iterable[Sequence[Segment]]:
        """The pieces decoded, never much at once."""
        if self._decoder is not PLAIN and not self._decoder.is_plain:
            return self._decoded(pieces)
        if self._at_start and pieces:
            self._look_at_start(pieces)
        return (pieces,)

    def _look_at_start(self, pieces: Sequence[Segment]) -> None:
        self._at_start = False
        if pieces[0][2].startswith(GZIP):
            self.looks_like = "application/gzip"

    def _decoded(self, pieces: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
        for decoded in self._decoder.batches(pieces):
            if self._at_start and decoded:
                self._look_at_start(decoded)
            yield decoded
        if self._decoder.fault is not None and not self.faults:
            self.faults.append(Fault(self._decoder.fault, pieces[0][1]))


class EventStreamReader(_Reader):
    """Reads `text/event-stream`."""

    limit = STREAM_LIMIT

    def __init__(self, head: ResponseHead, budget: Budget) -> None:
        super().__init__(head, budget)
        self._events = SseParser()

    def feed(self, pieces: Sequence[Segment]) -> None:
        for decoded in self._decode(pieces):
            self._events.feed(decoded)

    def gap(self, missing: int, packet: int) -> None:
        self._decoder.gap()
        self._events.gap(missing, packet)

    def finish(self, end: MessageEnd) -> None:
        self.stream = self._events.finish(end.complete)
        told = self._events.told
        self._take(told.facts)
        self.faults += told.faults


class JsonReader(_Reader):
    """Reads a JSON body of at most `JSON_LIMIT` bytes that arrived whole."""

    def __init__(self, head: ResponseHead, budget: Budget) -> None:
        super().__init__(head, budget)
        self._parts: list[bytes] = []

    def feed(self, pieces: Sequence[Segment]) -> None:
        if self._decoder is PLAIN and len(pieces) == 1:  # as nearly always
            data = pieces[0][2]
            if self._at_start:
                self._at_start = False
                if data.startswith(GZIP):
                    self.looks_like = "application/gzip"
            self._parts.append(data)
            return
        for decoded in self._decode(pieces):
            self._parts += [data for _, _, data in decoded]

    def finish(self, end: MessageEnd) -> None:
        if not (self._whole and end.complete):
            return
        if end.body_bytes > JSON_LIMIT:
            # Also where somebody else wanted all of it: one capture has one report.
            self.faults.append(Fault("json-too-long", self._packet, f"{end.body_bytes} bytes"))
            return
        text = b"".join(self._parts)
        facts = read_json_body(text, self._status)
        if facts is NOTHING and not self.faults and end.body_bytes and is_broken_json(text):
            self.faults.append(Fault(BROKEN, self._packet))
        if self._status < 400 and facts == NOTHING and is_bare_message(text):
            self.faults.append(Fault(MESSAGE, self._packet))
        self._take(facts)


class TextReader(_Reader):
    """Reads plain text: the line that names an error, or an event stream or JSON by its bytes."""

    limit = TEXT_LIMIT

    def __init__(self, head: ResponseHead, budget: Budget) -> None:
        super().__init__(head, budget)
        self._text = b""

    def feed(self, pieces: Sequence[Segment]) -> None:
        if len(self._text) >= TEXT_LIMIT:
            return
        for decoded in self._decode(pieces):
            room = TEXT_LIMIT - len(self._text)
            self._text += b"".join([data for _, _, data in decoded])[:room]

    def finish(self, end: MessageEnd) -> None:
        if not self._whole:
            return
        if EVENT_STREAM.match(self._text):
            self.looks_like = "text/event-stream"
        elif self._status < 400:
            # What a worker at an edge returns is labelled so unless it says otherwise.
            facts = read_json_body(self._text, self._status)
            self._take(facts)
        else:
            lines = self._text.decode("utf-8", "replace").split("\n", 1)
            if line := lines[0].strip()[:MESSAGE_LIMIT]:
                self.api_error = ApiError(None, line)


class PageReader(_Reader):
    """Reads the beginning of an error's HTML page, for the name of who wrote it."""

    # What is decoded beyond the page's beginning is not looked at, and no limit that was hit.
    limit = JSON_LIMIT

    def __init__(self, head: ResponseHead, budget: Budget) -> None:
        super().__init__(head, budget)
        self._text = b""

    def feed(self, pieces: Sequence[Segment]) -> None:
        if len(self._text) >= PAGE_LIMIT:
            return
        for decoded in self._decode(pieces):
            self._text += b"".join([data for _, _, data in decoded])
            if len(self._text) >= PAGE_LIMIT:
                return

    def finish(self, end: MessageEnd) -> None:
        if self._whole:
            self.page = author_of(self._text)


#: The media types of nearly all bodies, by what stands behind the colon.
USUAL: Final[dict[bytes, str]] = {
    f" {kind}{more}".encode(): kind
    for kind in ("application/json", "text/event-stream", "text/plain", "text/html")
    for more in ("", "; charset=utf-8", ";charset=utf-8")
}
#: The same by the value.
_TYPES: Final = {raw.decode().strip(): kind for raw, kind in USUAL.items()}


def media_type(value: str | None) -> str | None:
    """The media type of a `content-type` value: no parameters, lower case (RFC 9110 8.3)."""
    if value is None:
        return None
    return _TYPES.get(value) or value.partition(";")[0].strip().lower() or None


def is_json(kind: str | None) -> bool:
    """Whether a media type is JSON's, or of a format written in it (RFC 6839 3.1)."""
    return kind is not None and (kind == "application/json" or kind.endswith("+json"))


def wants_body(head: RequestHead | ResponseHead) -> int:
    """How many bytes of a message's body are worth looking at."""
    return SEARCH_LIMIT if isinstance(head, RequestHead) else reading(head)[0]


def reading(head: ResponseHead) -> tuple[int, Callable[[ResponseHead, Budget], ResponseReader]]:
    """How many bytes of the body behind a head are read, and who reads them."""
    if b"content-type" not in head.named:
        return _UNREAD
    sent = head.named[b"content-type"]
    if sent.raw in _USUALLY:
        return _USUALLY[sent.raw]
    return _wanted(media_type(sent.value.decode("latin-1")), head.status)


def _wanted(
    kind: str | None, status: int
) -> tuple[int, Callable[[ResponseHead, Budget], ResponseReader]]:
    """The same of a response with this media type and status."""
    if kind == "text/event-stream":
        return EVERYTHING, EventStreamReader
    if is_json(kind):
        return JSON_LIMIT, JsonReader
    if kind == "text/plain":
        return TEXT_LIMIT, TextReader
    if kind == "text/html" and status >= 400:
        return PAGE_LIMIT, PageReader
    return _UNREAD


_UNREAD: Final = (0, JsonReader)
#: `reading` of nearly all bodies whatever their status, by what stands behind the colon.
_USUALLY: Final = {raw: _wanted(kind, 200) for raw, kind in USUAL.items() if kind != "text/html"}
