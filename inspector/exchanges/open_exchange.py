"""An exchange in the making, and what is read from its response body."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from inspector.credentials.body_keys import SEARCH_LIMIT, BodyKeys
from inspector.credentials.reader import CredentialReader
from inspector.exchanges.blanked import is_mask
from inspector.exchanges.marks import BodyFacts
from inspector.model.capture import Fault
from inspector.model.http import (
    ApiError,
    EventStream,
    PageAuthor,
    Request,
    Response,
    Usage,
    WebSocket,
)
from inspector.model.network import EndedBy
from inspector.protocols.api import TEXT_LIMIT as MESSAGE_LIMIT
from inspector.protocols.api import read_json_body
from inspector.protocols.content import Budget, Decoder
from inspector.protocols.content_codecs import CODINGS
from inspector.protocols.messages import (
    EVERYTHING,
    MessageEnd,
    RequestHead,
    ResponseHead,
)
from inspector.protocols.pages import PAGE_LIMIT, author_of
from inspector.protocols.sse import SseParser
from inspector.secrets.grants import REASON
from inspector.wire import Segment

#: A JSON body is read whole or not at all; the largest that is kept for it.
JSON_LIMIT: Final = 1 << 20
#: A plain text is read where it tells of an error; APIs write one line.
TEXT_LIMIT: Final = 1 << 12
#: Bytes of a plain text that show whether it is one.
SNIFFED: Final = 512
#: Decoded bytes of one event stream, a bomb limit: a day of tokens is less.
STREAM_LIMIT: Final = 1 << 30

#: Name -> meaning, for the report.
FAULTS: Final[dict[str, str]] = {
    "json-too-long": (
        "A JSON body exceeds the limit and is not read: what it says of an error, a model or tokens"
        " is not known."
    ),
}

_VERSION: Final = re.compile(rb"(?i:HTTP)/[0-9.]{1,8}")
GZIP: Final = b"\x1f\x8b\x08"
#: How an event stream begins (HTML 9.2.6): a field whose value the APIs always give.
EVENT_STREAM: Final = re.compile(rb"(?:\xef\xbb\xbf)?(?:event: ?\w|data: ?[\[{])")


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

    def feed(self, pieces: list[Segment]) -> None:
        """The next pieces of the body, content coding still on."""

    def gap(self, missing: int, packet: int) -> None:
        """Bytes of the body are missing."""

    def finish(self, end: MessageEnd) -> None:
        """The body ended: fill in the attributes."""


class _Reader:
    """What both readers share: the decoder in front and the facts behind."""

    def __init__(self, head: ResponseHead, limit: int, budget: Budget) -> None:
        self.stream: EventStream | None = None
        self.api_error: ApiError | None = None
        self.model: str | None = None
        self.usage: Usage | None = None
        self.stop_reason: str | None = None
        self.looks_like: str | None = None
        self.page: PageAuthor | None = None
        self.faults: list[Fault] = []
        self._packet = head.packet
        self._at_start = True
        self._decoder = Decoder(head.text(b"content-encoding"), limit, budget)

    @property
    def decoded(self) -> int:
        """See `ResponseReader`."""
        coded = self._decoder.coded
        return 0 if coded is None else coded.decoded

    def _decode(self, pieces: list[Segment]) -> Iterator[Sequence[Segment]]:
        """The pieces decoded, never much at once."""
        for decoded in self._decoder.batches(pieces):
            if self._at_start and decoded:
                self._at_start = False
                if decoded[0][2].startswith(GZIP):
                    self.looks_like = "application/gzip"
            yield decoded
        if self._decoder.fault is not None and not self.faults:
            self.faults.append(Fault(self._decoder.fault, pieces[0][1]))


class EventStreamReader(_Reader):
    """Reads `text/event-stream`."""

    def __init__(self, head: ResponseHead, budget: Budget) -> None:
        super().__init__(head, STREAM_LIMIT, budget)
        self._events = SseParser()

    def feed(self, pieces: list[Segment]) -> None:
        for decoded in self._decode(pieces):
            self._events.feed(decoded)

    def gap(self, missing: int, packet: int) -> None:
        self._decoder.gap()
        self._events.gap(missing, packet)

    def finish(self, end: MessageEnd) -> None:
        events = self._events
        self.stream = events.finish(end.complete)
        self.api_error = events.api_error
        self.model = events.model
        self.usage = events.usage
        self.stop_reason = events.stop_reason
        self.faults += events.faults


class JsonReader(_Reader):
    """Reads a JSON body of at most `JSON_LIMIT` bytes that arrived whole."""

    def __init__(self, head: ResponseHead, budget: Budget) -> None:
        super().__init__(head, JSON_LIMIT, budget)
        self._status = head.status
        self._parts: list[bytes] = []
        self._whole = True

    def feed(self, pieces: list[Segment]) -> None:
        for decoded in self._decode(pieces):
            self._parts += [data for _, _, data in decoded]

    def gap(self, missing: int, packet: int) -> None:
        self._whole = False

    def finish(self, end: MessageEnd) -> None:
        if not (self._whole and end.complete):
            return
        if end.body_bytes > JSON_LIMIT:
            # Also where somebody else wanted all of it: one capture has one report.
            self.faults.append(Fault("json-too-long", self._packet, f"{end.body_bytes} bytes"))
            return
        facts = read_json_body(b"".join(self._parts), self._status)
        self.api_error = facts.api_error
        self.model = facts.model
        self.usage = facts.usage
        self.stop_reason = facts.stop_reason


class TextReader(_Reader):
    """Reads plain text: the line that names an error, or an event stream under another name."""

    def __init__(self, head: ResponseHead, budget: Budget) -> None:
        super().__init__(head, TEXT_LIMIT, budget)
        self._status = head.status
        self._text = b""
        self._whole = True

    def feed(self, pieces: list[Segment]) -> None:
        if len(self._text) >= TEXT_LIMIT:
            return
        for decoded in self._decode(pieces):
            room = TEXT_LIMIT - len(self._text)
            self._text += b"".join([data for _, _, data in decoded])[:room]

    def gap(self, missing: int, packet: int) -> None:
        self._whole = False

    def finish(self, end: MessageEnd) -> None:
        if not self._whole:
            return
        if EVENT_STREAM.match(self._text):
            self.looks_like = "text/event-stream"
        elif self._status >= 400:
            lines = self._text.decode("utf-8", "replace").split("\n", 1)
            if line := lines[0].strip()[:MESSAGE_LIMIT]:
                self.api_error = ApiError(None, line)


class PageReader(_Reader):
    """Reads the beginning of an error's HTML page, for the name of who wrote it."""

    def __init__(self, head: ResponseHead, budget: Budget) -> None:
        # What is decoded beyond the page's beginning is not looked at, and no limit that was hit.
        super().__init__(head, JSON_LIMIT, budget)
        self._text = b""
        self._whole = True

    def feed(self, pieces: list[Segment]) -> None:
        if len(self._text) >= PAGE_LIMIT:
            return
        for decoded in self._decode(pieces):
            self._text += b"".join([data for _, _, data in decoded])
            if len(self._text) >= PAGE_LIMIT:
                return

    def gap(self, missing: int, packet: int) -> None:
        self._whole = False

    def finish(self, end: MessageEnd) -> None:
        if self._whole:
            self.page = author_of(self._text)


def media_type(value: str | None) -> str | None:
    """The media type of a `content-type` value: no parameters, lower case (RFC 9110 8.3)."""
    return None if value is None else value.partition(";")[0].strip().lower() or None


def wants_body(head: RequestHead | ResponseHead) -> int:
    """How many bytes of a message's body are worth looking at."""
    if isinstance(head, RequestHead):
        return 0 if head.get(b"content-encoding") else SEARCH_LIMIT
    kind = media_type(head.text(b"content-type"))
    if kind == "text/event-stream":
        return EVERYTHING
    if kind is not None and (kind == "application/json" or kind.endswith("+json")):
        return JSON_LIMIT
    if kind == "text/plain":
        return TEXT_LIMIT if head.status >= 400 else SNIFFED
    if kind == "text/html" and head.status >= 400:
        return PAGE_LIMIT
    return 0


_READERS: Final[dict[str, Callable[[ResponseHead, Budget], ResponseReader]]] = {
    "text/event-stream": EventStreamReader,
    "text/html": PageReader,
    "text/plain": TextReader,
}


class OpenExchange:
    """One exchange while its messages are being read."""

    __slots__ = (
        "_wanted",
        "body",
        "halted",
        "head_cut",
        "interim",
        "is_blank",
        "keys",
        "lost",
        "number",
        "request",
        "request_end",
        "response",
        "response_end",
        "socket_is_open",
        "upgrade",
        "websocket",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.request: RequestHead | None = None
        self.request_end: MessageEnd | None = None
        self.response: ResponseHead | None = None
        self.response_end: MessageEnd | None = None
        self.interim: list[int] = []
        # Fields of its request were beyond the limit, and not read.
        self.head_cut = False
        # Who ended it while its connection went on (a stream of HTTP/2); None: nobody did.
        self.halted: EndedBy | None = None
        # Its answer may be in a gap.
        self.lost = False
        self.body: ResponseReader | None = None
        # What is searched in the body of its request; None: nothing is.
        self.keys: BodyKeys | None = None
        # Whether all of the body that came is a mask's; None: none came.
        self.is_blank: bool | None = None
        # How many of the body's next bytes its reader is given.
        self._wanted = 0
        self.upgrade: str | None = None
        self.websocket: WebSocket | None = None
        # It became a WebSocket, and the conversation there was not over.
        self.socket_is_open = False

    def ask(self, head: RequestHead) -> None:
        """The request's head has arrived."""
        self.request = head
        self.keys = BodyKeys() if wants_body(head) else None

    def answer(self, head: ResponseHead, budget: Budget) -> None:
        """The final response's head has arrived; its body decodes within `budget`."""
        self.response = head
        self._wanted = wants_body(head)
        if self._wanted:
            kind = media_type(head.text(b"content-type"))
            self.body = _READERS.get(kind or "", JsonReader)(head, budget)

    def begin_anew(self) -> None:
        """Its 101 was the first answer; the final one comes in another protocol."""
        if self.response is not None:
            self.interim.append(self.response.status)
        self.response = self.response_end = self.body = self.is_blank = None

    def take(self, pieces: list[Segment]) -> None:
        """The next pieces of the response's body, of which its reader gets what it wants."""
        if self.body is None or self._wanted <= 0:
            return
        wanted = self._wanted
        if wanted < EVERYTHING >> 1:  # more than any stream has
            self._wanted -= sum([len(data) for _, _, data in pieces])
            if self._wanted < 0:
                pieces = _first(pieces, wanted)
        if self.is_blank is not False:
            self.is_blank = is_mask(pieces)
        self.body.feed(pieces)

    def body_facts(self) -> BodyFacts | None:
        """What was found in the response's body, for the mark of a copy; None: it was not read."""
        head, body = self.response, self.body
        if head is None or body is None:
            return None
        names = (head.text(b"content-encoding") or "").split(",")
        return BodyFacts(
            tuple(name for part in names if (name := part.strip().lower()) in CODINGS),
            body.decoded,
            body.stream,
            body.api_error,
            body.model,
            body.usage,
            body.stop_reason,
            body.looks_like,
            tuple(body.faults),
            body.page,
        )

    def miss(self, missing: int, packet: int) -> None:
        """Bytes of the response's body are missing."""
        if self.body is not None and self._wanted > 0:
            self._wanted -= missing
            self.body.gap(missing, packet)

    @property
    def is_searched(self) -> bool:
        """Whether all of the request's body was searched."""
        keys, end = self.keys, self.request_end
        return (
            keys is not None
            and keys.whole
            and end is not None
            and end.complete
            and end.body_bytes <= SEARCH_LIMIT
        )

    @property
    def is_cut(self) -> bool:
        """A message of it is unfinished."""
        if self.socket_is_open:
            return True
        ends = (self.request_end, self.response_end)
        return any(end is None or not end.complete for end in ends)

    def ended_by(self, closed_by: EndedBy | None) -> EndedBy:
        """How the exchange ended, given how its connection did."""
        ends = (self.request_end, self.response_end)
        if self.lost or any(end is not None and end.lost for end in ends):
            return "gap"
        if self.websocket is not None:
            whole = self.websocket.closed_by is not None
        else:
            whole = self.response_end is not None and self.response_end.complete
        if whole:
            return "complete"
        return self.halted or closed_by or "capture-end"

    def request_fact(self, credentials: CredentialReader) -> Request | None:
        """The request as the report shows it: no credential left in it."""
        head, end = self.request, self.request_end
        if head is None:
            return None
        host = head.get(b"host")
        auth = credentials.auth(head.fields, head.target, head.packet)
        return Request(
            method=credentials.words(head.method.decode("latin-1")),
            target=credentials.target(head.target),
            http_version=_version(head.version),
            host=None if host is None else credentials.target(host),
            user_agent=_granted(credentials, head, b"user-agent"),
            headers=credentials.headers(head.fields),
            auth=auth,
            steering=credentials.steering(head.fields),
            body_bytes=end.body_bytes if end else 0,
            complete=end is not None and end.complete and not self.head_cut,
            packet=head.packet,
            started_at=head.at,
            ended_at=end.at if end else None,
            key_in_body=self.keys.prefix if self.keys else None,
            body_searched=self.is_searched,
        )

    def response_fact(self, credentials: CredentialReader) -> Response | None:
        """The response as the report shows it."""
        head, end, body = self.response, self.response_end, self.body
        if head is None:
            return None
        error = body.api_error if body else None
        if error is not None:
            error = ApiError(
                _words(credentials, error.type),
                _words(credentials, error.message),
                _words(credentials, error.code),
                error.status,
            )
        return Response(
            status=head.status,
            reason=credentials.value(REASON, head.reason.decode("latin-1")),
            http_version=_version(head.version),
            interim=tuple(self.interim),
            headers=credentials.response_headers(head.fields),
            # Keys are told by their shape, which lower case would hide.
            content_type=media_type(_granted(credentials, head, b"content-type")),
            content_encoding=_granted(credentials, head, b"content-encoding"),
            body_bytes=end.body_bytes if end else 0,
            complete=end is not None and end.complete,
            packet=head.packet,
            started_at=head.at,
            ended_at=end.at if end else None,
            stream=_stream(credentials, body.stream) if body and body.stream else None,
            api_error=error,
            model=_words(credentials, body.model) if body else None,
            usage=body.usage if body else None,
            stop_reason=_words(credentials, body.stop_reason) if body else None,
            looks_like=body.looks_like if body else None,
            oddities=tuple(dict.fromkeys(fault.name for fault in body.faults)) if body else (),
            page=body.page if body else None,
        )


def _first(pieces: list[Segment], count: int) -> list[Segment]:
    """The first `count` bytes of pieces that have more."""
    kept: list[Segment] = []
    for at, packet, data in pieces:
        if count <= 0:
            break
        kept.append((at, packet, data[:count]))
        count -= len(data)
    return kept


def _version(version: bytes) -> str:
    """A version as it may be shown: a malformed one may be any text."""
    return version.decode() if _VERSION.fullmatch(version) else "HTTP/?"


def _granted(
    credentials: CredentialReader, head: RequestHead | ResponseHead, name: bytes
) -> str | None:
    """The value of a header as it may be shown."""
    text = head.text(name)
    return None if text is None else credentials.value(name, text)


def _words(credentials: CredentialReader, text: str | None) -> str | None:
    return None if text is None else credentials.words(text)


def _stream(credentials: CredentialReader, stream: EventStream) -> EventStream:
    """A stream whose names and error are words; names that become equal are one."""
    names: Counter[str] = Counter()
    for name, count in stream.names.items():
        names[credentials.words(name)] += count
    return replace(stream, names=dict(names), error=_words(credentials, stream.error))
