"""529 is Anthropic's status for an overloaded API."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import answer, at, told


def explains(call: FailedCall, case: Case) -> bool:
    return call.answered_by == "upstream" and call.status == 529


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API is overloaded: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause("upstream-overloaded", explains, sentence, told)
