"""The end of a message, whatever framed it: what was found in its body, searched or marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.credentials.body_keys import BodyKeys
from inspector.exchanges.blanked import MarkedBody
from inspector.exchanges.context import Context
from inspector.exchanges.open_exchange import OpenExchange
from inspector.exchanges.response_bodies import is_broken
from inspector.protocols.content import Decoder
from inspector.protocols.messages import MessageEnd
from inspector.wire import FILE_SHIFT, Segment, joined

#: The fault of a body that is in no coding: all of it is passed on.
UNCODED: Final = "content-encoding-mismatch"


def search(item: OpenExchange, pieces: Sequence[Segment]) -> None:
    """Look for keys in the next pieces of a request's body."""
    keys = item.keys
    if keys is None:
        return
    if item.coding is None:
        keys.feed(joined(pieces))
        return
    for decoded in item.coding.batches(pieces):
        keys.feed(joined(decoded))


def skip(item: OpenExchange) -> None:
    """Bytes of a request's body are missing."""
    if item.coding is not None:
        item.coding.gap()
    if item.keys is not None:
        item.keys.gap()


def searched(context: Context, item: OpenExchange, end: MessageEnd) -> None:
    """The body of a request is over."""
    keys, head = item.keys, item.request
    if keys is None or head is None:
        return
    if item.coding is not None and end.body_bytes:
        _undo(item.coding, keys)
    keys.finish()
    if keys.is_masked:
        client, server = context.ends
        key = context.ledger.marks.key_of(client, server, head.at)
        keys.prefix = keys.prefix or key
    if keys.prefix is not None and context.listener is not None:
        context.listener.body(True, head.at, end.extent, None, keys.prefix)


def _undo(coding: Decoder, keys: BodyKeys) -> None:
    """A coded body is over; one that was not undone to its end was not searched whole.

    One that is in no coding, whatever its label says, was searched as it is.
    """
    keys.feed(joined(coding.finish()))
    is_undone = coding.finished if coding.fault is None else coding.fault == UNCODED
    if not is_undone:
        keys.gap()


def finished(context: Context, item: OpenExchange, end: MessageEnd) -> None:
    """The body of a response is over: its reader, or the mark of a copy, says what it stated."""
    if item.body is None:
        return
    item.body.finish(end)
    if item.is_blank or (item.body.faults and is_broken(item.body.faults)):
        _ask_mark(context, item)


def _ask_mark(context: Context, item: OpenExchange) -> None:
    """What a copy says of a body that is blank, or of JSON that a blank stretch may have broken.

    A mark stands in the place of a blank body; of another it says whether it was broken before.
    """
    head, body = item.response, item.body
    assert head is not None
    assert body is not None
    marks = context.ledger.marks
    is_copy = head.packet >> FILE_SHIFT in marks.copies
    if not (item.is_blank or is_copy):
        return
    client, server = context.ends
    marked = marks.body_of(server, client, head.at)
    if item.is_blank and marked is not None:
        item.body = marked
        return
    was_broken = marked is not None and is_broken(marked.faults)
    is_unread = is_broken(body.faults) and not was_broken
    if is_copy and (is_unread or (item.is_blank and head.get(b"content-encoding"))):
        item.body = MarkedBody(None)
        context.ledger.unread.note(context.connection.number, "blanked", head.packet)
