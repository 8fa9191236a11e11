"""The end of a message, whatever framed it: what was found in its body, searched or marked."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.exchanges.blanked import MarkedBody
from inspector.exchanges.context import Context
from inspector.exchanges.open_exchange import OpenExchange
from inspector.protocols.messages import MessageEnd
from inspector.wire import FILE_SHIFT, Segment, joined


def search(item: OpenExchange, pieces: Sequence[Segment]) -> None:
    """Look for keys in the next pieces of a request's body."""
    if item.keys is not None:
        item.keys.feed(joined(pieces))


def searched(context: Context, item: OpenExchange, end: MessageEnd) -> None:
    """The body of a request is over."""
    keys, head = item.keys, item.request
    if keys is None or head is None:
        return
    keys.finish()
    if keys.is_masked:
        client, server = context.ends
        key = context.ledger.marks.key_of(client, server, head.at)
        keys.prefix = keys.prefix or key
    if keys.prefix is not None and context.listener is not None:
        context.listener.body(True, head.at, end.extent, None, keys.prefix)


def finished(context: Context, item: OpenExchange, end: MessageEnd) -> None:
    """The body of a response is over: its reader, or the mark of a copy, says what it stated."""
    if item.body is None:
        return
    item.body.finish(end)
    if item.is_blank:
        _take_mark(context, item)


def _take_mark(context: Context, item: OpenExchange) -> None:
    """A body is blank: what its copy says of it stands, or nothing does."""
    head = item.response
    assert head is not None
    client, server = context.ends
    marks = context.ledger.marks
    marked = marks.body_of(server, client, head.at)
    if marked is not None:
        item.body = marked
    elif head.packet >> FILE_SHIFT in marks.copies and head.get(b"content-encoding"):
        item.body = MarkedBody(None)
        context.ledger.unread.note(context.connection.number, "blanked", head.packet)
