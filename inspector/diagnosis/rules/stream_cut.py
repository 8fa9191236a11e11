"""A stream without its terminal event."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, events, is_stream, order_of_closing, plural, who_broke_off

ABOUT: Final = Code(
    "stream-cut",
    severity="error",
    title="A stream ended before its last event",
    needs=AGENT_HOP,
    meaning=(
        "The provider's terminal event is missing. A clean last chunk does not help: the API"
        " proxy 0.25.4 appends an error text and one, and an SDK reports success. Of a WebSocket:"
        " the server's closing frame has another status than 1000 or 1001; 1011 is a failure of"
        " the server's."
    ),
    advice="See which side closed first, and read its log.",
    shown_by="h3-upstream-cut",
)


def explains(call: FailedCall, case: Case) -> bool:
    """The final chunk arrived, so the stream ended regardless of who closed the connection."""
    if call.exchange.websocket is not None:
        return call.outcome == "cut"
    if call.is_read and is_stream(call):
        return call.outcome == "cut"
    return call.outcome == "cut" and is_stream(call) and case.knows_who_closed(call)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    shown = call.exchange.websocket
    if shown is not None:
        if shown.closed_by is None:
            how, code = "was lost without a closing frame", ""
        else:
            how, code = f"was closed by the {shown.closed_by}", f" with {shown.close_code}"
        which = "A WebSocket" if count == 1 else f"{count} WebSockets; the first"
        return (
            f"{which} {how}{code} after {plural(shown.messages_down, 'message')}"
            f" ({at(call.packet, case)})."
        )
    return (
        f"{plural(count, 'stream')} cut after {events(call)} events,"
        f" no terminal event ({at(call.packet, case)})."
    )


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    shown = call.exchange.websocket
    reason = None if shown is None else shown.close_reason
    said = (f'Its closing frame says "{reason}".',) if reason else ()
    return (*said, *order_of_closing(call, case, count))


def advice(call: FailedCall, case: Case) -> str:
    return ABOUT.advice if call.exchange.websocket is not None else who_broke_off(call, case)


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
