"""What the messages of a WebSocket state about calls to an API: the grammars of event streams.

OpenAI's Responses and Realtime APIs send over a WebSocket what they send as an event stream, one
JSON document a message, named by its `type`.  A socket stays open for many turns: each begins with
the client's `response.create`, and ends with the server's terminal event.
"""

from __future__ import annotations

from typing import Final

import msgspec

from inspector.model.http import EventStream
from inspector.protocols.api import (
    GRAMMAR_EVENTS,
    TERMINAL_EVENTS,
    parse_json,
)
from inspector.protocols.event_facts import EventFacts

#: The client's message that asks for an answer.
_ASKS: Final = "response.create"


class _Named(msgspec.Struct):
    type: str = ""


_NAME_OF: Final = msgspec.json.Decoder(_Named).decode


class SocketEvents:
    """The text messages of both directions of one WebSocket; `told` is what they stated so far."""

    def __init__(self) -> None:
        self.told = EventFacts()
        self._is_due = False
        self._asked = False
        self._last_at: int | None = None
        self._longest_silence: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether a message showed which grammar they have.

        Until then nobody can say how the conversation should end.
        """
        return self._asked or self.told.grammar is not None

    @property
    def is_due(self) -> bool:
        """Whether a turn has begun and has not ended."""
        return self._is_due

    def asked(self, data: bytes) -> None:
        """A text message of the client's."""
        try:
            name = _NAME_OF(data).type
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if name == _ASKS:
            self._is_due = self._asked = True

    def answered(self, at: int, packet: int, data: bytes) -> None:
        """A text message of the server's."""
        told = self.told
        if self._last_at is not None:
            self._longest_silence = max(self._longest_silence or 0, at - self._last_at)
        self._last_at = at
        name = ""
        document: object = None
        try:
            document = parse_json(data)
        except ValueError:
            if told.speaks_json:
                told.malformed += 1
                told.fault("sse-broken-json", packet)
        if isinstance(document, dict) and isinstance(document.get("type"), str):
            name = document["type"]
        told.count(name.encode("utf-8", "replace"), at, packet)
        if not isinstance(document, dict):
            return
        told.speaks_json = True
        if name in TERMINAL_EVENTS or name == "error":
            self._is_due = False
        elif name in GRAMMAR_EVENTS:
            self._is_due = True
        told.read_document(name, document)

    def finish(self, complete: bool) -> EventStream:
        """The conversation's facts.  `complete`: a closing frame was seen.

        It came to its end where no turn is under way.
        """
        self.told.terminated = not self._is_due
        return self.told.stream(self._longest_silence, truncated=not complete)
