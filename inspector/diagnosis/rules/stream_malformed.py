"""A stream whose events, or labels, are broken."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, plural
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "stream-malformed",
    severity="error",
    title="A stream cannot be read as what it is labelled",
    needs=AGENT_HOP,
    meaning=(
        "Events are broken in framing or JSON, or content-type or content-encoding contradict the"
        " bytes. Where the damage arose is not to be seen without the keys of the tunnel."
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
    if response.stream is not None and response.stream.malformed:
        return f"with {plural(response.stream.malformed, 'event')} that do not parse"
    return "not decodable as labelled"


CAUSE: Final = Cause(
    ABOUT,
    explains,
    sentence,
    not_in_packets="which side of the API proxy did it; keys would tell",
)
