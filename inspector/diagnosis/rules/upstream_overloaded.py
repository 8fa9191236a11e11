"""529 is Anthropic's status for an overloaded API."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at, told

ABOUT: Final = Code(
    "upstream-overloaded",
    severity="error",
    title="The API is overloaded",
    needs=AGENT_HOP,
    meaning="The API answered 529. Nothing on this side is wrong.",
    advice="Try later, with growing pauses.",
    shown_by="upstream-529",
)


def explains(call: FailedCall, case: Case) -> bool:
    return call.answered_by == "upstream" and call.status == 529


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API is overloaded: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause(ABOUT, explains, sentence, told)
