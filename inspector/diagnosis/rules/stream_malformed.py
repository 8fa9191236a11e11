"""A stream whose events, or labels, are broken."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.outcome import outcome_of
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, plural
from inspector.exchanges.response_bodies import BROKEN
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "stream-malformed",
    severity="error",
    title="An answer cannot be read as what it is labelled",
    needs=AGENT_HOP,
    meaning=(
        "Events are broken in framing or JSON, a JSON answer is none or ends within its document"
        " though its framing was kept, or content-type or content-encoding contradict the bytes."
        " Where the damage arose is not to be seen without the keys of the tunnel."
    ),
    advice=(
        "Capture with the tunnel's keys and give them with --keylog: the report then says on which"
        " side of the API proxy it arose."
    ),
    shown_by="h3-proxy-mangles",
)


def explains(call: FailedCall, case: Case) -> bool:
    return call.outcome == "damaged"


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"{plural(count, 'answer')} {what(call)} ({at(call.packet, case)})."


def what(call: FailedCall) -> str:
    """Which damage it is."""
    response = call.exchange.response
    if response is None:
        return "cannot be read"
    if response.looks_like is not None:
        label = response.content_encoding or response.content_type or "nothing"
        return f"labelled {shortened(label, 24)} but in truth {response.looks_like}"
    if "content-encoding-mismatch" in response.oddities:
        return f"labelled {shortened(response.content_encoding or '', 16)} and not in that coding"
    if BROKEN in response.oddities:
        return "labelled JSON, and no whole document"
    if response.stream is not None and response.stream.malformed:
        count = response.stream.malformed
        return f"with {plural(count, 'event')} that {'does' if count == 1 else 'do'} not parse"
    return "not decodable as labelled"


def is_whole_inside(call: FailedCall) -> bool | None:
    """Whether the stream was whole in the tunnel, before the API proxy; None without keys."""
    response = None if call.inner is None else call.inner.response
    if call.inner is None or response is None or call.inner.ended_by == "gap":
        return None
    return outcome_of(call.inner) == "answered"


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    is_whole = is_whole_inside(call)
    if is_whole is None:
        return ()
    tunnel = call.exchange.id if call.tunnel is None else call.tunnel.id
    if is_whole:
        return (f"Inside {tunnel} the stream was whole: the API proxy damaged it.",)
    return (f"Inside {tunnel} the stream was broken as well: the API proxy passed it on.",)


def advice(call: FailedCall, case: Case) -> str:
    is_whole = is_whole_inside(call)
    if is_whole is None:
        return ABOUT.advice
    if is_whole:
        return (
            "Look at what the API proxy does to a stream on its way back: chunks, coding, filters."
        )
    return "Give the provider the request-id of the answer; nothing on this side is wrong."


def _open(call: FailedCall) -> str | None:
    if is_whole_inside(call) is None:
        return "which side of the API proxy did it; keys would tell"
    return None


CAUSE: Final = Cause(ABOUT, explains, sentence, details, not_in_packets=_open, advice=advice)
