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


CAUSE: Final = Cause(ABOUT, explains, sentence, order_of_closing)
