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
from inspector.protocols.sse import SseParser

#: The client's message that asks for an answer.
_ASKS: Final = "response.create"


class _Named(msgspec.Struct):
    type: str = ""


_NAME_OF: Final = msgspec.json.Decoder(_Named).decode


class SocketEvents(SseParser):
    """The text messages of both directions of one WebSocket.

    `is_known` once a message showed which grammar they have; until then nobody can say how the
    conversation should end.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_due = False
        self._asked = False

    @property
    def is_known(self) -> bool:
        return self._asked or self.grammar is not None

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
        if self._last_bytes_at is not None:
            self._longest_silence = max(self._longest_silence, at - self._last_bytes_at)
        self._last_bytes_at = at
        name = ""
        document: object = None
        try:
            document = parse_json(data)
        except ValueError:
            if self._speaks_json:
                self._malformed += 1
                self._fault("sse-broken-json", packet)
        if isinstance(document, dict) and isinstance(document.get("type"), str):
            name = document["type"]
        self._count(name.encode("utf-8", "replace"), at, packet)
        if not isinstance(document, dict):
            return
        self._speaks_json = True
        if name in TERMINAL_EVENTS or name == "error":
            self._is_due = False
        elif name in GRAMMAR_EVENTS:
            self._is_due = True
        self._read(name, document)

    def finish(self, complete: bool) -> EventStream:
        """The conversation's facts.  `complete`: a closing frame was seen.

        It came to its end where no turn is under way.
        """
        self._terminated = not self._is_due
        return super().finish(complete)
