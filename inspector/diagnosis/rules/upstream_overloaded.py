"""529 is Anthropic's status for an overloaded API."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at

ABOUT: Final = Code(
    "upstream-overloaded",
    severity="error",
    title="The API is overloaded",
    needs=AGENT_HOP,
    meaning="The API answered 529, or says that it is overloaded. Nothing on this side is wrong.",
    advice="Try later, with growing pauses.",
    shown_by="upstream-529",
)


def explains(call: FailedCall, case: Case) -> bool:
    if call.answered_by != "upstream":
        return False
    row = answers.known(call)
    return call.status == 529 if row is None else row.code == ABOUT.code


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API is overloaded: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause(
    ABOUT,
    explains,
    sentence,
    answers.explained,
    advice=lambda call, case: answers.advice(ABOUT, call),
)
