"""429 of the API itself."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at

ABOUT: Final = Code(
    "upstream-rate-limited",
    severity="error",
    title="The API limits the rate",
    needs=AGENT_HOP,
    meaning=(
        "The API answered 429, or says with another status that a limit of the rate is reached."
    ),
    advice=("Wait as long as retry-after says; spread the calls or ask for a higher limit."),
)


def explains(call: FailedCall, case: Case) -> bool:
    if call.answered_by != "upstream":
        return False
    row = answers.known(call)
    return call.status == 429 if row is None else row.code == ABOUT.code


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API limits the rate: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause(
    ABOUT,
    explains,
    sentence,
    answers.explained,
    advice=lambda call, case: answers.advice(ABOUT, call),
)
