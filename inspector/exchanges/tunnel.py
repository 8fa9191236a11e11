"""A tunnel is a layer with a child: after a 2xx to CONNECT, look at the bytes again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.credentials.written import Notes
from inspector.exchanges.context import Context
from inspector.exchanges.first_answer import FirstAnswer
from inspector.exchanges.layers import Slot
from inspector.exchanges.ledger import TunnelRecord
from inspector.exchanges.turns import Turns
from inspector.protocols.messages import RequestHead, ResponseHead
from inspector.wire import Segment, size_of, span_of

#: Challenges of one refusal that are kept; proxies offer two or three schemes.
MAX_CHALLENGES: Final = 8


def open_record(context: Context, head: RequestHead, notes: Notes) -> TunnelRecord:
    """The record of a CONNECT whose request was just seen, and studied (RFC 9110 9.3.6)."""
    credentials = context.ledger.credentials
    client, server = context.ends
    return TunnelRecord(
        number=context.ledger.next_tunnel(),
        connection=context.connection.number,
        client=client,
        proxy=server,
        packet=head.packet,
        opened_at=head.at,
        authority=credentials.target(head.target),
        auth=credentials.auth(head.fields, head.target, head.packet, notes),
        headers=credentials.headers(head.fields, notes),
        outer=context.tunnel,
    )


def unseen_record(context: Context, head: ResponseHead) -> TunnelRecord:
    """The record of a CONNECT that the capture lacks, known by its reply alone."""
    client, server = context.ends
    return TunnelRecord(
        number=context.ledger.next_tunnel(),
        connection=context.connection.number,
        client=client,
        proxy=server,
        packet=head.packet,
        opened_at=head.at,
        outer=context.tunnel,
    )


def note_reply(context: Context, record: TunnelRecord, head: ResponseHead) -> None:
    """The proxy's final answer to the CONNECT.

    Squid names its reason in `X-Squid-Error`, such as `ERR_ACCESS_DENIED 0`.
    """
    record.connect_status = head.status
    if record.authority is not None:
        record.reply_latency = (head.at - record.opened_at) / 1e9
    value = context.ledger.credentials.value
    error = head.text(b"x-squid-error")
    if error is not None:
        record.proxy_error = value(b"x-squid-error", error)
    name = b"proxy-authenticate"
    asked = [field.value.decode("latin-1") for field in head.fields if field.name.lower() == name]
    record.challenges = tuple(value(name, text) for text in asked[:MAX_CHALLENGES])


#: Turns of a tunnel with one request: the ClientHello's, and the request's with the end of the
#: handshake (TLS 1.3).  Only those with more are kept.
SINGLE: Final = 2


class TunnelLayer:
    """Counts what goes through and lets a child read it.

    `start`: which byte from the proxy's side is the first that goes through.
    """

    __slots__ = ("_context", "_first", "_record", "_slot", "_turns")

    def __init__(self, context: Context, record: TunnelRecord, slot: Slot, start: int = 0) -> None:
        self._context = context
        self._record = record
        self._slot = slot
        self._turns = Turns()
        #: Until it is known whether the proxy's side speaks what the client does.
        self._first: FirstAnswer | None = FirstAnswer(context, record, start)

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes through the tunnel."""
        if not segments:
            return
        self._turns.receive(up, segments)
        first, last = span_of(segments, len(segments))
        self._count(up, size_of(segments), first, last)
        if self._first is not None and not up:
            segments = self._first.receive(segments)
            if self._first.is_over:
                self._first = None
        if segments:
            self._slot.layer.receive(up, segments)

    def _release(self) -> None:
        """What the proxy's side said is not told by more bytes: its child has it."""
        if self._first is not None:
            held = self._first.release()
            if self._first.is_over:
                self._first = None
            if held:
                self._slot.layer.receive(False, held)

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes passed unseen."""
        self._turns.passed(up, count, at)
        self._count(up, count, at, at)
        if not up:
            self._release()
        self._slot.layer.skip(up, count, at, packet)

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes are missing, but went through; unless they are the CONNECT itself."""
        if not (up and self._record.authority is None and not self._record.bytes_up):
            self._turns.passed(up, count, at)
            self._count(up, count, at, at)
        if not up:
            self._release()
            if self._first is not None:
                self._first.gap(count, at, packet)
        self._slot.layer.gap(up, count, at, packet)

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> bool:
        """Bytes went through that the capture's filter cut away on purpose."""
        if not up:
            self._release()
        if not self._slot.layer.cut(up, kept, count, at, packet):
            return False
        self._turns.passed(up, count, at)
        self._count(up, count, at, at)
        return True

    def _count(self, up: bool, count: int, first: int, last: int) -> None:
        record = self._record
        if up:
            record.bytes_up += count
        else:
            record.bytes_down += count
            record.last_down_at = last
        if record.first_data_at is None:
            record.first_data_at = first
        record.last_data_at = last

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended."""
        if not up:
            self._release()
        self._slot.layer.end(up, at, packet)

    def finish(self, at: int, packet: int) -> None:
        """The tunnel is over."""
        self._release()
        self._slot.layer.finish(at, packet)
        turns = self._turns.turns()
        if len(turns) > SINGLE:
            self._context.ledger.turns[self._record.number] = turns
        close_record(self._context, self._record)

    def wanted(self, up: bool) -> int:
        """What the child wants."""
        return self._slot.layer.wanted(up)

    def settled(self, up: bool) -> int:
        """How far the child has come, or whoever reads the proxy's side before it."""
        if self._first is not None and not up:
            return self._first.settled
        return self._slot.layer.settled(up)


def close_record(context: Context, record: TunnelRecord) -> None:
    """Nothing more will be seen of a tunnel."""
    if record.connect_status is None and context.connection.closed_by is None:
        context.ledger.leave_unfinished(context.connection)
    record.closed_at = context.connection.closed_at
    record.closed_by = context.connection.closed_by
    context.ledger.add_tunnel(record)
