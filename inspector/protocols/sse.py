"""Event streams (`text/event-stream`) as an observer sees them: counts, times and endings.

Framing is that of WHATWG HTML 9.2.6: lines end with CR, LF or CRLF, a blank
line dispatches the event, an event without data is not dispatched, an event
that the stream's end cuts off is discarded.  What a browser ignores is named
here instead: lines that are no fields, data that stopped being JSON.

The content of events is parsed for the facts that `api.py` knows and is then
forgotten; prompts and answers are not kept.

Measured on one core, one piece an event, without the compiled core: 0.7 us for an
Anthropic delta of 124 bytes (0.12 us of it to see that its JSON is not broken), 3 us
for an OpenAI chunk of 190 bytes, 14 us for a Gemini chunk, which states its
usage anew each time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec
import orjson

from inspector.model.capture import Fault
from inspector.model.http import ApiError, EventStream, Usage
from inspector.native.functions import Core
from inspector.native.used import USED
from inspector.protocols.api import (
    FACT_EVENTS,
    GRAMMAR_EVENTS,
    GRAMMAR_MEMBERS,
    NOTHING,
    TERMINAL_EVENTS,
    JsonFacts,
    holds_content_only,
    is_plain_chunk,
    merge,
    parse_json,
    read_document,
)
from inspector.protocols.compiled import EventCount
from inspector.wire import Segment, Segments

#: Fault name → what it means.
FAULTS: Final = {
    "sse-broken-line": "a line of an event is no field: framing was damaged on the way",
    "sse-bare-error": "the API proxy's own error stands in the middle of the stream, unframed",
    "sse-broken-json": "the data of an event is not JSON, though this stream's data is",
    "sse-oversized-event": "an event is longer than the limit; it was counted and not read",
    "sse-too-many-names": "more distinct event names than are kept; the others share one entry",
}

#: An event without an `event:` field has this type (HTML 9.2.6).
DEFAULT_NAME: Final = "message"
OTHER: Final = "(other)"

#: Characters of an event's name that are kept.
NAME_LIMIT: Final = 64
#: Distinct event names counted one by one; further ones share an entry.
NAMES_LIMIT: Final = 64
#: Bytes of one event; a longer one is counted and not read.
EVENT_LIMIT: Final = 1 << 20
#: Faults of one stream that are named.
FAULTS_LIMIT: Final = 64

_FIELDS: Final = frozenset({b"data", b"event", b"id", b"retry"})
_DONE: Final = b"[DONE]"
_BOM: Final = b"\xef\xbb\xbf"
#: Bytes of an event's data that are kept where it is too long to be read.
_HEAD_KEPT: Final = 4096
#: Lines of one event that are kept apart before they are joined.
_PARTS_LIMIT: Final = 1024

# Two line ends in a row, spelt out so that CRLF alone is never taken for two.
_BLANK = re.compile(rb"\r\n(?:\r\n?|\n)|\n(?:\r\n?|\n)|\r\r\n?")
_EVENT_LINE = re.compile(rb"(?:^|[\r\n])event: ?([^\r\n]*)[\r\n]")
# Checks JSON without building its values: 0.12 us for a delta where orjson takes
# 0.72.  It does not look at UTF-8, so it is asked about ASCII only.
_CHECK: Final = msgspec.json.Decoder(msgspec.Raw).decode
_NOT_JSON: Final = (msgspec.DecodeError, RecursionError)
_TOKEN = re.compile(rb"[A-Za-z][A-Za-z0-9_-]*")

# What the API proxy 0.25.4 writes when the upstream broke off: bare JSON in
# the place of the next bytes, wherever in an event that is.
_BARE_ERROR: Final = b'{"error":"'


class SseParser:
    """Reads one event stream; never keeps what it says.

    `model`, `usage`, `stop_reason` and `api_error` are what its events stated
    so far; their texts are bounded and not redacted.  `grammar` is
    "anthropic", "openai-chat", "openai-responses" or "gemini" once an event
    showed it, else None: then nobody can say how the stream should end.
    `faults` holds the first `FAULTS_LIMIT` faults, named in `FAULTS`.
    """

    def __init__(self) -> None:
        self.grammar: str | None = None
        self.faults: list[Fault] = []
        self._facts: JsonFacts = NOTHING
        self._error: str | None = None
        self._terminated = False
        self._malformed = 0
        self._truncated = False
        self._names: dict[str, int] = {}
        # `event: ping` → "ping", for names met before whose data holds no facts.
        self._heads: dict[bytes, str] = {}
        self._counter: EventCount | None = None  # that knows these heads
        self._speaks_json = False
        # The unfinished event: its pieces, their size, its last bytes.
        self._parts: list[bytes] = []
        self._size = 0
        self._tail = b""
        self._packet = 0
        self._oversized = False
        # Inside an event, or not known to be outside of one.
        self._midway = True
        self._at_start = True
        self._after_gap = False
        self._first_event_at: int | None = None
        self._last_event_at: int | None = None
        self._last_bytes_at: int | None = None
        self._longest_silence = -1

    @property
    def model(self) -> str | None:
        return self._facts.model

    @property
    def usage(self) -> Usage | None:
        return self._facts.usage

    @property
    def stop_reason(self) -> str | None:
        return self._facts.stop_reason

    @property
    def api_error(self) -> ApiError | None:
        return self._facts.api_error

    def feed(self, pieces: Sequence[Segment]) -> None:
        """The next pieces of the body, content coding undone."""
        if USED.core is None or not isinstance(pieces, Segments):
            self._feed(pieces)
            return
        at, count = 0, len(pieces)
        while at < count:
            if not self._midway and (self._heads or self._knows_chunks):
                at = self._count_routine(USED.core, pieces, at)
            if at < count:
                self._feed(pieces[at : at + 1])
                at += 1

    @property
    def _knows_chunks(self) -> bool:
        """Whether an unnamed chunk of an answer has nothing to tell any more."""
        return self._facts.model is not None and DEFAULT_NAME in self._names

    def _count_routine(self, core: Core, pieces: Segments, at: int) -> int:
        """Let the compiled core count the events that it can; the first piece that it left."""
        counter = self._counter
        if counter is None:
            counter = self._counter = EventCount(core, self._heads)
        heard = counter.heard
        heard.last = -1 if self._last_bytes_at is None else self._last_bytes_at
        heard.longest = self._longest_silence
        plain = DEFAULT_NAME if self._knows_chunks else None
        following = counter.take(pieces, at, self._names, plain)
        if following > at:
            self._last_bytes_at = self._last_event_at = heard.last
            self._longest_silence = heard.longest
        return following

    def _feed(self, pieces: Sequence[Segment]) -> None:
        heads = self._heads
        names = self._names
        check, not_json = _CHECK, _NOT_JSON
        last, longest = self._last_bytes_at, self._longest_silence
        for at, packet, data in pieces:
            if last is not None and at - last > longest:
                longest = at - last
            last = at
            if not self._midway:
                # Most pieces are one whole event: a head met before, one line
                # of data, a blank line.  (A CR would be another line end.)
                head, _, body = data.partition(b"\ndata: ")
                name = heads.get(head)
                if (
                    name is not None
                    and body[-2:] == b"\n\n"
                    and body.find(b"\n") == len(body) - 2
                    and b"\r" not in body
                    and body.isascii()
                ):
                    try:
                        check(body)
                    except not_json:
                        pass
                    else:
                        names[name] += 1
                        self._last_event_at = at
                        continue
            self._take(at, packet, data)
        self._last_bytes_at, self._longest_silence = last, longest

    def gap(self, missing: int, packet: int) -> None:
        """`missing` bytes of the stream were not captured before `packet`."""
        self._truncated = True
        self._forget()
        self._after_gap = self._midway = True

    def finish(self, complete: bool) -> EventStream:
        """The stream's facts.  `complete`: the HTTP framing ended, with every byte captured."""
        rest = b"".join(self._parts)
        if rest.removeprefix(_BOM).strip(b"\r\n"):
            self._truncated = True
            if self._find_bare_error(rest, self._packet):
                self._malformed += 1
        self._forget()
        return EventStream(
            events=sum(self._names.values()),
            names=dict(self._names),
            first_event_at=self._first_event_at,
            last_event_at=self._last_event_at,
            longest_silence=None if self._longest_silence < 0 else self._longest_silence / 1e9,
            terminated=self._terminated,
            error=self._error,
            malformed=self._malformed,
            truncated=self._truncated or not complete,
        )

    # --- framing ---

    def _take(self, at: int, packet: int, data: bytes) -> None:
        """Cut off the events that `data` completes, and keep the rest."""
        if self._parts:
            # A blank line that was not there before ends in the new bytes.
            seam = self._tail + data
            end = _BLANK.search(seam)
            if end is None:
                self._keep(packet, data, seam)
                return
            if self._oversized:
                data = data[end.end() - len(self._tail) :]
                self._oversized_event(at, packet)
            else:
                self._parts.append(data)
                data = b"".join(self._parts)
            self._forget()
        events = _BLANK.split(data) if b"\r" in data else data.split(b"\n\n")
        # Line ends where an event should start are blank lines, or the LF of
        # a CRLF whose CR was taken for the whole line end.
        last = events.pop()
        rest = last.lstrip(b"\r\n")
        for event in events:
            if not self._is_routine(event, at):
                self._event(event, at, packet)
        self._at_start = self._at_start and len(rest) == len(last)
        if rest:
            self._keep(packet, rest, rest)
        else:
            self._midway = self._at_start or self._after_gap

    def _is_routine(self, event: bytes, at: int) -> bool:
        """Count an event that has nothing to tell, without taking it apart.

        That is one of a known head and one line of JSON, or an unnamed chunk
        of an answer once the model is known.
        """
        head, _, data = event.partition(b"\ndata: ")
        name = self._heads.get(head)
        if name is None:
            if not event.startswith(b"data: {") or not self._knows_chunks:
                return False
            name = DEFAULT_NAME
            data = event[6:]
        if b"\n" in data or b"\r" in data:
            return False
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError:
            return False
        if name is DEFAULT_NAME and not is_plain_chunk(document):
            return False
        self._names[name] += 1
        self._last_event_at = at
        self._after_gap = False
        return True

    def _keep(self, packet: int, data: bytes, seam: bytes) -> None:
        self._midway = True
        self._packet = packet
        self._tail = seam[-3:]
        self._size += len(data)
        if self._oversized:
            return
        self._parts.append(data)
        if len(self._parts) > _PARTS_LIMIT:  # small objects weigh more than their bytes
            self._parts = [b"".join(self._parts)]
        if self._size > EVENT_LIMIT:
            self._oversized = True
            self._parts = [b"".join(self._parts)[:_HEAD_KEPT]]
            self._fault("sse-oversized-event", packet)

    def _forget(self) -> None:
        self._parts = []
        self._size = 0
        self._tail = b""
        self._oversized = False

    def _event(self, event: bytes, at: int, packet: int) -> None:
        """One event: its lines, without the blank line that ends it."""
        after_gap, self._after_gap = self._after_gap, False
        if self._at_start:
            self._at_start = False
            event = event.removeprefix(_BOM)
        name = b""
        data: list[bytes] = []
        broken = False
        for line in event.splitlines():
            field, colon, value = line.partition(b":")
            if field in _FIELDS:
                value = value.removeprefix(b" ")
                if field == b"data":
                    data.append(value)
                elif field == b"event":
                    name = value
            elif line and _is_damaged(field, colon, value):
                broken = True
        if after_gap and broken:
            return  # the end of an event whose start is in the gap
        if broken:
            self._malformed += 1
            if not self._find_bare_error(event, packet):
                self._fault("sse-broken-line", packet)
        if data:
            self._dispatch(name, b"\n".join(data), at, packet, broken)

    def _oversized_event(self, at: int, packet: int) -> None:
        head = _EVENT_LINE.search(self._parts[0])
        name = self._count(head[1] if head else b"", at, packet)
        self._terminated = self._terminated or name in TERMINAL_EVENTS

    # --- meaning ---

    def _dispatch(self, field: bytes, data: bytes, at: int, packet: int, broken: bool) -> None:
        if not field and data.strip(b" ") == _DONE:
            self._count(_DONE, at, packet)
            self._terminated = True
            self.grammar = self.grammar or "openai-chat"
            return
        name = self._count(field, at, packet)
        try:
            value = parse_json(data)
        except ValueError:
            if self._should_be_json(name, data) and not broken:
                self._malformed += 1
                self._fault("sse-broken-json", packet)
            if name == "error":
                self._error = self._error or name
            return
        if isinstance(value, dict):
            self._speaks_json = True
            self._read(name, value)
        if holds_content_only(name) and name.encode() == field:
            self._heads[b"event: " + field] = name
            self._counter = None

    def _count(self, field: bytes, at: int, packet: int) -> str:
        if self._first_event_at is None:
            self._first_event_at = at
        self._last_event_at = at
        names = self._names
        name = _printable(field) or DEFAULT_NAME
        if name not in names:
            if len(names) >= NAMES_LIMIT:
                if OTHER not in names:
                    self._fault("sse-too-many-names", packet)
                names[OTHER] = names.get(OTHER, 0) + 1
                return OTHER
            names[name] = 0
        names[name] += 1
        return name

    def _should_be_json(self, name: str, data: bytes) -> bool:
        return (
            self._speaks_json
            or data[:1] in (b"{", b"[")
            or name in FACT_EVENTS
            or holds_content_only(name)
        )

    def _read(self, name: str, document: dict[str, object]) -> None:
        kind = name
        if name == DEFAULT_NAME:
            named = document.get("type")
            if isinstance(named, str):
                kind = named
            elif self._facts.model is not None and is_plain_chunk(document):
                return
        if holds_content_only(kind):
            return
        if self.grammar is None:
            self.grammar = GRAMMAR_EVENTS.get(kind) or next(
                (GRAMMAR_MEMBERS[member] for member in GRAMMAR_MEMBERS if member in document), None
            )
        facts = read_document(document, status=500 if kind == "error" else 200)
        self._facts = merge(self._facts, facts)
        if kind in TERMINAL_EVENTS or (self.grammar == "gemini" and facts.stop_reason):
            self._terminated = True
        if kind == "error" or facts.api_error is not None:
            self._note_error(facts.api_error)

    def _note_error(self, error: ApiError | None) -> None:
        if self._error is None:
            self._error = (error and (error.type or error.message)) or "error"

    def _find_bare_error(self, data: bytes, packet: int) -> bool:
        """Whether the API proxy wrote an error into the middle of an event."""
        start = data.rfind(_BARE_ERROR)
        if start < 0:
            return False
        try:
            facts = read_document(parse_json(data[start:]))
        except ValueError:
            return False
        self._facts = merge(self._facts, facts)
        self._note_error(facts.api_error)
        self._fault("sse-bare-error", packet)
        return True

    def _fault(self, name: str, packet: int) -> None:
        if len(self.faults) < FAULTS_LIMIT:
            self.faults.append(Fault(name, packet))


def _is_damaged(field: bytes, colon: bytes, value: bytes) -> bool:
    """Whether a line is more likely a field broken on the way than an unknown field."""
    if not field and colon:
        return False  # a comment
    return not colon or _TOKEN.fullmatch(field) is None or value.lstrip()[:1] in (b"{", b"[")


def _printable(field: bytes) -> str:
    """An event name that a report can hold: bounded, no control characters.

    A question mark stands for each byte of what is none: the length that a report tells of a name
    is the same in a copy, where that byte is masked.
    """
    text = field[: 4 * NAME_LIMIT].decode("utf-8", "surrogateescape")[:NAME_LIMIT]
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return "?" * len(character.encode("utf-8", "surrogateescape"))
