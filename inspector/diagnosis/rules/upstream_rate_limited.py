"""429 of the API itself."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at, told

ABOUT: Final = Code(
    "upstream-rate-limited",
    severity="error",
    title="The API limits the rate",
    needs=AGENT_HOP,
    meaning="The API answered 429; retry-after says how long to wait.",
    advice=("Wait as long as retry-after says; spread the calls or ask for a higher limit."),
)


def explains(call: FailedCall, case: Case) -> bool:
    return call.answered_by == "upstream" and call.status == 429


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API limits the rate: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause(ABOUT, explains, sentence, told)
