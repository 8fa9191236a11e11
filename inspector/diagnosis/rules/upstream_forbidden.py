"""403 of the API itself: neither Squid's page nor the API proxy's guard."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at, told

ABOUT: Final = Code(
    "upstream-forbidden",
    severity="error",
    title="The API forbids the call",
    needs=AGENT_HOP,
    meaning="The API answered 403: the key is known and may not do this.",
    advice="Look at what the key's organization, region and plan allow.",
    shown_by="upstream-403",
)


def explains(call: FailedCall, case: Case) -> bool:
    return call.answered_by == "upstream" and call.status == 403


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API forbids it: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause(ABOUT, explains, sentence, told)
