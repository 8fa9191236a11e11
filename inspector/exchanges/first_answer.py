"""What the proxy's side says first inside a tunnel, where it is not what the client speaks.

TLS met by HTTP: a Squid that peeks at the ClientHello (`ssl_bump peek`) answers CONNECT with 200
before it has resolved or connected anything; its error page then stands in plaintext where the
ServerHello was due.  HTTP met by TLS: a box that decrypts expects a ClientHello, and answers plain
HTTP with an alert (RFC 8446 6.2).  Both are facts of the tunnel, and no part of what it carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.exchanges.context import Context
from inspector.exchanges.ledger import TunnelRecord
from inspector.model.network import InnerAnswer
from inspector.protocols.detect import looks_like_response, looks_like_tls
from inspector.protocols.extent import Extent
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.http1_head_reader import STATUS_START
from inspector.protocols.messages import EVERYTHING, Event, ResponseHead
from inspector.protocols.tls_names import ALERT, alert_name
from inspector.protocols.tls_record import RECORD_HEADER_SIZE
from inspector.wire import Segment

#: An alert record: its header, a level and a description (RFC 8446 6).
_ALERT_SIZE: Final = RECORD_HEADER_SIZE + 2


class FirstAnswer:
    """Holds the first bytes from the proxy's side until they tell: twelve of them at most.

    `start`: which byte of its direction is the first.  `is_over`: nothing is left to be
    found, and all bytes go to the tunnel's child.
    """

    __slots__ = ("_context", "_held", "_parser", "_record", "_start", "is_over")

    def __init__(self, context: Context, record: TunnelRecord, start: int = 0) -> None:
        self._context = context
        self._record = record
        self._start = start
        self._held: list[Segment] = []
        self._parser: Http1Parser | None = None
        self.is_over = False

    def receive(self, segments: Sequence[Segment]) -> Sequence[Segment]:
        """The next bytes; answers those that the child is to have."""
        if self._parser is None:
            self._held += segments
            return () if self._is_undecided() else self.release()
        self._read_head(self._parser.receive(segments))
        return ()

    def gap(self, count: int, at: int, packet: int) -> None:
        """The next bytes are missing: a head that has begun is not read on."""
        if self._parser is not None:
            self._read_head(self._parser.gap(count, at, packet))

    @property
    def settled(self) -> int:
        """The first byte of which something may still be told to a listener."""
        if self._parser is None:
            return self._start
        return EVERYTHING if self._record.inner is not None else self._parser.settled

    def release(self) -> Sequence[Segment]:
        """No more can be told of it: what is held is the child's."""
        held, self._held = self._held, []
        self.is_over = self._parser is None
        return held

    def _is_undecided(self) -> bool:
        """Look at what is held; whether more is needed."""
        protocol = self._record.protocol
        if protocol not in ("tls", "http/1.1"):
            return False  # its client has not spoken, or speaks neither
        first = b"".join([data for _, _, data in self._held])
        if protocol == "http/1.1":
            return self._meets_http(first)
        is_http = looks_like_response(first)
        if is_http:
            self._tell_status(self._start + len(first) - len(first.lstrip(b"\r\n")))
            self._parser = Http1Parser("response", wants_body=lambda head: 0, start=self._start)
            self._read_head(self._parser.receive(self._held))
            self._held = []
            return False
        return is_http is None

    def _meets_http(self, first: bytes) -> bool:
        if not looks_like_tls(first):
            return looks_like_tls(first) is None
        if first[0] != ALERT or first[3:RECORD_HEADER_SIZE] != b"\x00\x02":
            self._record.tls_answer = "a TLS record"
            self._tell_numbers(RECORD_HEADER_SIZE)
            return False
        if len(first) < _ALERT_SIZE:
            return True
        self._tell_numbers(_ALERT_SIZE)
        level, description = first[RECORD_HEADER_SIZE:_ALERT_SIZE]
        self._record.tls_answer = alert_name(level, description, "server")
        return False

    def _tell_numbers(self, count: int) -> None:
        if self._context.listener is not None:
            self._context.listener.numbers(False, Extent(self._start, self._start + count))

    def _tell_status(self, start: int) -> None:
        """What begins a head, whatever becomes of it, with the blank or the line's end."""
        if self._context.listener is not None:
            self._context.listener.constant(False, Extent(start, start + STATUS_START + 1))

    def _read_head(self, events: Sequence[Event]) -> None:
        if self._record.inner is not None:
            return
        for event in events:
            if isinstance(event, ResponseHead) and self._context.listener is not None:
                self._context.listener.http(False, [event])
            if isinstance(event, ResponseHead) and not event.is_interim:
                error = event.text(b"x-squid-error")
                value = self._context.ledger.credentials.value
                shown = None if error is None else value(b"x-squid-error", error)
                self._record.inner = InnerAnswer(event.status, shown, event.packet)
                return
