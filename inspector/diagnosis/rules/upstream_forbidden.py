"""403 of the API itself: neither Squid's page nor the API proxy's guard."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at

ABOUT: Final = Code(
    "upstream-forbidden",
    severity="error",
    title="The API forbids the call",
    needs=AGENT_HOP,
    meaning=(
        "The API answered 403 and says of nothing that is known better; or, with whatever status,"
        " that the key's account may not do this or has no credit left."
    ),
    advice="Look at what the key's organization, region and plan allow.",
    shown_by="upstream-403",
)


def explains(call: FailedCall, case: Case) -> bool:
    row = answers.known(call)
    if call.answered_by != "upstream":
        return False
    return call.status == 403 if row is None else row.code == ABOUT.code


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API forbids it: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause(
    ABOUT,
    explains,
    sentence,
    answers.explained,
    advice=lambda call, case: answers.advice(ABOUT, call),
)
