"""What the events of one stream tell: counts, times, endings, and the facts that `api.py` knows.

The content of events is parsed for those facts and is then forgotten; prompts and answers are
not kept.  Most events of a stream tell nothing new, and are counted without being taken apart.
"""

from __future__ import annotations

from typing import Final

import orjson

from inspector.model.capture import Fault
from inspector.model.http import ApiError, EventStream
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
from inspector.regex import regex

#: Fault name → what it means.
FAULTS: Final = {
    "sse-bare-error": "the API proxy's own error stands in the middle of the stream, unframed",
    "sse-broken-json": "the data of an event is not JSON, though this stream's data is",
    "sse-too-many-names": "more distinct event names than are kept; the others share one entry",
}

#: An event without an `event:` field has this type (HTML 9.2.6).
DEFAULT_NAME: Final = "message"
OTHER: Final = "(other)"

#: Characters of an event's name that are kept.
NAME_LIMIT: Final = 64
#: Distinct event names counted one by one; further ones share an entry.
NAMES_LIMIT: Final = 64
#: Faults of one stream that are named.
FAULTS_LIMIT: Final = 64

_DONE: Final = b"[DONE]"
_EVENT_LINE = regex(rb"(?:^|[\r\n])event: ?([^\r\n]*)[\r\n]")
# What the API proxy 0.25.4 writes when the upstream broke off: bare JSON in
# the place of the next bytes, wherever in an event that is.
_BARE_ERROR: Final = b'{"error":"'


class EventFacts:
    """What is known of a stream from its events so far; never what they say.

    `facts` are what its documents stated; their texts are bounded and not redacted.  `grammar` is
    "anthropic", "openai-chat", "openai-responses" or "gemini" once an event showed it, else None:
    then nobody can say how the stream should end.  `faults` holds the first `FAULTS_LIMIT` of them.
    `names` counts events by name; `heads` are `event: ping` → "ping", for names met before whose
    data holds no facts.
    """

    __slots__ = (
        "error", "facts", "faults", "first_at", "grammar", "heads", "last_at", "malformed", "names",
        "speaks_json", "terminated",
    )  # fmt: skip

    def __init__(self) -> None:
        self.grammar: str | None = None
        self.faults: list[Fault] = []
        self.facts: JsonFacts = NOTHING
        self.error: str | None = None
        self.terminated = False
        self.malformed = 0
        self.names: dict[str, int] = {}
        self.heads: dict[bytes, str] = {}
        self.speaks_json = False
        self.first_at: int | None = None
        self.last_at: int | None = None

    @property
    def knows_chunks(self) -> bool:
        """Whether an unnamed chunk of an answer has nothing to tell any more."""
        return self.facts.model is not None and DEFAULT_NAME in self.names

    def count_routine(self, event: bytes, at: int) -> bool:
        """Count an event that has nothing to tell, without taking it apart; False: it may.

        That is one of a known head and one line of JSON, or an unnamed chunk
        of an answer once the model is known.
        """
        head, _, data = event.partition(b"\ndata: ")
        name = self.heads.get(head)
        if name is None:
            if not event.startswith(b"data: {") or not self.knows_chunks:
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
        self.names[name] += 1
        self.last_at = at
        return True

    def read(self, field: bytes, data: bytes, at: int, packet: int, *, broken: bool) -> None:
        """An event with data: its `event` field and its data, lines joined; `broken`: damaged."""
        if not field and data.strip(b" ") == _DONE:
            self.count(_DONE, at, packet)
            self.terminated = True
            self.grammar = self.grammar or "openai-chat"
            return
        name = self.count(field, at, packet)
        try:
            value = parse_json(data)
        except ValueError:
            if self._should_be_json(name, data) and not broken:
                self.malformed += 1
                self.fault("sse-broken-json", packet)
            if name == "error":
                self.error = self.error or name
            return
        if isinstance(value, dict):
            self.speaks_json = True
            self.read_document(name, value)
        if holds_content_only(name) and name.encode() == field:
            self.heads[b"event: " + field] = name

    def count_oversized(self, start: bytes, at: int, packet: int) -> None:
        """An event of which only its `start` was kept."""
        head = _EVENT_LINE.search(start)
        name = self.count(head[1] if head else b"", at, packet)
        self.terminated = self.terminated or name in TERMINAL_EVENTS

    def find_bare_error(self, data: bytes, packet: int) -> bool:
        """Whether the API proxy wrote an error into the middle of an event."""
        start = data.rfind(_BARE_ERROR)
        if start < 0:
            return False
        try:
            facts = read_document(parse_json(data[start:]))
        except ValueError:
            return False
        self.facts = merge(self.facts, facts)
        self._note_error(facts.api_error)
        self.fault("sse-bare-error", packet)
        return True

    def fault(self, name: str, packet: int) -> None:
        """One of `sse.FAULTS`."""
        if len(self.faults) < FAULTS_LIMIT:
            self.faults.append(Fault(name, packet))

    def count(self, field: bytes, at: int, packet: int) -> str:
        """An event whose `event` field is this; the name that it is counted under."""
        if self.first_at is None:
            self.first_at = at
        self.last_at = at
        names = self.names
        name = _printable(field) or DEFAULT_NAME
        if name not in names:
            if len(names) >= NAMES_LIMIT:
                if OTHER not in names:
                    self.fault("sse-too-many-names", packet)
                names[OTHER] = names.get(OTHER, 0) + 1
                return OTHER
            names[name] = 0
        names[name] += 1
        return name

    def stream(self, longest_silence: int | None, *, truncated: bool) -> EventStream:
        """The stream's facts; the silence in ns, None: there were no two pieces."""
        return EventStream(
            events=sum(self.names.values()),
            names=dict(self.names),
            first_event_at=self.first_at,
            last_event_at=self.last_at,
            longest_silence=None if longest_silence is None else longest_silence / 1e9,
            terminated=self.terminated,
            error=self.error,
            malformed=self.malformed,
            truncated=truncated,
        )

    def _should_be_json(self, name: str, data: bytes) -> bool:
        return (
            self.speaks_json
            or data[:1] in (b"{", b"[")
            or name in FACT_EVENTS
            or holds_content_only(name)
        )

    def read_document(self, name: str, document: dict[str, object]) -> None:
        """The document of an event that was counted under this name."""
        kind = name
        if name == DEFAULT_NAME:
            named = document.get("type")
            if isinstance(named, str):
                kind = named
            elif self.facts.model is not None and is_plain_chunk(document):
                return
        if holds_content_only(kind):
            return
        if self.grammar is None:
            self.grammar = GRAMMAR_EVENTS.get(kind) or next(
                (GRAMMAR_MEMBERS[member] for member in GRAMMAR_MEMBERS if member in document), None
            )
        facts = read_document(document, status=500 if kind == "error" else 200)
        self.facts = merge(self.facts, facts)
        if kind in TERMINAL_EVENTS or (self.grammar == "gemini" and facts.stop_reason):
            self.terminated = True
        if kind == "error" or facts.api_error is not None:
            self._note_error(facts.api_error)

    def _note_error(self, error: ApiError | None) -> None:
        if self.error is None:
            self.error = (error and (error.type or error.message)) or "error"


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
