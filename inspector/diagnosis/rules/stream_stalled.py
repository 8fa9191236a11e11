"""The answer stopped coming, and the client gave up."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, events, order_of_closing

ABOUT: Final = Code(
    "stream-stalled",
    severity="error",
    title="The answer stopped coming",
    needs=AGENT_HOP,
    meaning=(
        "Nothing came for a second or more, far longer than between the pieces before, and the"
        " client gave up."
    ),
    advice="Try again; see whether the tunnel was silent as well.",
    shown_by="upstream-stream-stalls",
)

#: A silence of this many seconds may be a stall ...
SILENCE: Final = 1.0
#: ... if it is so many times as long as any before it.
TIMES: Final = 4
#: The API proxy passes on what it got within this (2 ms were measured), unless it holds it.
HELD_NS: Final = 100_000_000


def silence(call: FailedCall) -> float | None:
    """Seconds from the last piece (or the request) to the client's leaving."""
    length = call.silence if call.outcome == "left" else None
    return None if length is None else length / 1e9


def explains(call: FailedCall, case: Case) -> bool:
    """Only where nothing is known to be missing: a silence may be a hole."""
    response, length = call.exchange.response, silence(call)
    if length is None or length < SILENCE or not case.knows_who_closed(call):
        return False
    tunnel = call.tunnel
    open_to_api = tunnel is not None and tunnel.tls and tunnel.tls.handshake == "complete"
    if response is None and not open_to_api:
        return False
    stream = None if response is None else response.stream
    before = 0.0 if stream is None else stream.longest_silence or 0.0
    return length >= TIMES * before


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return (
        f"Silence for {silence(call) or 0:.1f} s after {events(call)} events,"
        f" then the client left ({at(call.packet, case)})."
    )


def advice(call: FailedCall, case: Case) -> str:
    """The side that went silent: bytes that came through the tunnel meanwhile were held back."""
    tunnel, response = call.tunnel, call.exchange.response
    stream = None if response is None else response.stream
    last = None if stream is None else stream.last_event_at
    if tunnel is None or tunnel.last_down_at is None or last is None:
        return ABOUT.advice
    if tunnel.last_down_at > last + HELD_NS:
        return (
            f"Bytes came through {tunnel.id} while the client got none: read the API proxy's log"
            f" for the request of {call.exchange.id}"
        )
    return (
        f"{tunnel.id} was silent as well: the API, or the way to it, stopped. Try again; if it"
        " recurs, give the provider the request-id of the answer"
    )


CAUSE: Final = Cause(ABOUT, explains, sentence, order_of_closing, advice=advice)
