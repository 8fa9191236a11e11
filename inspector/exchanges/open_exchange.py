"""An exchange in the making: its messages as they come, and its facts once they did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from inspector.credentials.body_keys import SEARCH_LIMIT, BodyKeys
from inspector.credentials.reader import CredentialReader
from inspector.credentials.steering import steering
from inspector.credentials.written import Notes
from inspector.exchanges.blanked import is_mask
from inspector.exchanges.grpc import error_of
from inspector.exchanges.marks import BodyFacts
from inspector.exchanges.response_bodies import ResponseReader, media_type, reading
from inspector.fact import replace
from inspector.model.http import ApiError, EndedBy, EventStream, Grpc, Request, Response, WebSocket
from inspector.model.network import Headers
from inspector.protocols.content import Budget, Decoder
from inspector.protocols.content_codecs import CODINGS
from inspector.protocols.http1_head import METHODS
from inspector.protocols.messages import EVERYTHING, MessageEnd, RequestHead, ResponseHead
from inspector.regex import regex
from inspector.secrets.grants import REASON
from inspector.wire import Segment, size_of

_VERSION: Final = regex(rb"(?i:HTTP)/[0-9.]{1,8}")
#: Methods that are words for sure.
_METHODS: Final = {method: method.decode() for method in METHODS}
#: Those that nearly every message has.
_VERSIONS: Final = {text.encode(): text for text in ("HTTP/1.1", "HTTP/1.0", "HTTP/2")}


class OpenExchange:
    """One exchange while its messages are being read."""

    __slots__ = (
        "_wanted",
        "body",
        "coding",
        "foreign",
        "halted",
        "head_cut",
        "interim",
        "is_blank",
        "keys",
        "lost",
        "number",
        "request",
        "request_end",
        "request_notes",
        "response",
        "response_end",
        "response_notes",
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
        # What was noted of their heads' fields: credentials are read once.
        self.request_notes: Notes | None = None
        self.response_notes: Notes | None = None
        self.interim: list[int] = []
        # Fields of its request were beyond the limit, and not read.
        self.head_cut = False
        # Who ended it while its connection went on (a stream of HTTP/2); None: nobody did.
        self.halted: EndedBy | None = None
        # Its answer may be in a gap.
        self.lost = False
        # Bytes came where its answer was due, and are no message.
        self.foreign = False
        self.body: ResponseReader | None = None
        # What is searched in the body of its request; None: nothing is.
        self.keys: BodyKeys | None = None
        # What undoes its content coding before; None: it has none.
        self.coding: Decoder | None = None
        # Whether all of the body that came is a mask's; None: none came.
        self.is_blank: bool | None = None
        # How many of the body's next bytes its reader is given.
        self._wanted = 0
        self.upgrade: str | None = None
        self.websocket: WebSocket | None = None
        # It became a WebSocket, and the conversation there was not over.
        self.socket_is_open = False

    def ask(self, head: RequestHead, notes: Notes, budget: Budget) -> None:
        """The request's head has arrived; `notes`: of its fields (`CredentialReader.study`).

        Its body decodes within `budget`.
        """
        self.request, self.request_notes = head, notes
        self.keys = BodyKeys()
        if b"content-encoding" in head.named:
            self.coding = Decoder(head.text(b"content-encoding"), SEARCH_LIMIT, budget)

    def answer(self, head: ResponseHead, notes: Notes, budget: Budget) -> None:
        """The final response's head has arrived; its body decodes within `budget`."""
        self.response, self.response_notes = head, notes
        self._wanted, reader = reading(head)
        self.body = reader(head, budget) if self._wanted else None

    def begin_anew(self) -> None:
        """Its 101 was the first answer; the final one comes in another protocol."""
        if self.response is not None:
            self.interim.append(self.response.status)
        self.response = self.response_end = self.body = self.is_blank = None

    def take(self, pieces: Sequence[Segment]) -> None:
        """The next pieces of the response's body, of which its reader gets what it wants."""
        if self.body is None or self._wanted <= 0:
            return
        wanted = self._wanted
        if wanted < EVERYTHING >> 1:  # more than any stream has
            self._wanted -= size_of(pieces)
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
        asked, answered = self.request_end, self.response_end
        return not (asked is not None and asked.complete and answered and answered.complete)

    def ended_by(self, closed_by: EndedBy | None) -> EndedBy:
        """How the exchange ended, given how its connection did."""
        asked, answered = self.request_end, self.response_end
        if self.lost or (asked is not None and asked.lost) or (answered and answered.lost):
            return "gap"
        if self.websocket is not None:
            whole = self.websocket.closed_by is not None
        else:
            whole = answered is not None and answered.complete
        if whole:
            return "complete"
        if self.foreign and self.response is None:
            return "unread"
        return self.halted or closed_by or "capture-end"

    def request_fact(self, credentials: CredentialReader) -> Request | None:
        """The request as the report shows it: no credential left in it."""
        head, end = self.request, self.request_end
        if head is None:
            return None
        host = head.named.get(b"host")
        auth = credentials.auth(head.fields, head.target, head.packet, self.request_notes)
        if end is not None and end.trailers:  # sent as well, whoever takes them for headers
            auth += credentials.auth(end.trailers, b"", end.packet)
        headers = credentials.headers(head.fields, self.request_notes)
        is_word = head.method in _METHODS  # else it may be any text
        # By place, as the answer below: twenty names take msgspec 5 us, twenty places 0.4.
        return Request(
            _METHODS[head.method] if is_word else credentials.words(head.method.decode("latin-1")),
            credentials.target(head.target),
            _VERSIONS[head.version] if head.version in _VERSIONS else _version(head.version),
            None if host is None else credentials.url(host),
            _shown(head, headers, b"user-agent"),
            headers,
            auth,
            steering(head.fields, headers),
            end.body_bytes if end else 0,
            end is not None and end.complete and not self.head_cut,
            head.packet,
            head.at,
            end.at if end else None,
            self.keys.prefix if self.keys else None,
            self.is_searched,
        )

    def response_fact(self, credentials: CredentialReader, grpc: Grpc | None) -> Response | None:
        """The response as the report shows it; `grpc`: that of the exchange."""
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
        if grpc is not None:
            error = error_of(grpc, head, end, credentials) or error
        headers = credentials.headers(head.fields, self.response_notes, response=True)
        has_coding = b"content-encoding" in head.named
        return Response(
            head.status,
            credentials.shown((REASON, head.reason), response=True),
            _VERSIONS[head.version] if head.version in _VERSIONS else _version(head.version),
            tuple(self.interim),
            headers,
            # Keys are told by their shape, which lower case would hide.
            media_type(_shown(head, headers, b"content-type")),
            _shown(head, headers, b"content-encoding") if has_coding else None,
            end.body_bytes if end else 0,
            end is not None and end.complete,
            head.packet,
            head.at,
            end.at if end else None,
            _stream(credentials, body.stream) if body and body.stream else None,
            error,
            None if body is None or body.model is None else credentials.words(body.model),
            body.usage if body else None,
            None
            if body is None or body.stop_reason is None
            else credentials.words(body.stop_reason),
            body.looks_like if body else None,
            tuple(dict.fromkeys([fault.name for fault in body.faults]))
            if body and body.faults
            else (),
            body.page if body else None,
        )


def _first(pieces: Sequence[Segment], count: int) -> list[Segment]:
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


def _shown(head: RequestHead | ResponseHead, headers: Headers, name: bytes) -> str | None:
    """The value of a header as it is shown among the head's `headers`."""
    if name not in head.named:
        return None
    return headers[head.fields.index(head.named[name])][1]


def _words(credentials: CredentialReader, text: str | None) -> str | None:
    return None if text is None else credentials.words(text)


def _stream(credentials: CredentialReader, stream: EventStream) -> EventStream:
    """A stream whose names and error are words; names that become equal are one."""
    names: Counter[str] = Counter()
    for name, count in stream.names.items():
        names[credentials.words(name)] += count
    return replace(stream, names=dict(names), error=_words(credentials, stream.error))
