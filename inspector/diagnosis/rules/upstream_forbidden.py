"""403 of the API itself: neither Squid's page nor the API proxy's guard."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import answer, at, told


def explains(call: FailedCall, case: Case) -> bool:
    return call.answered_by == "upstream" and call.status == 403


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API forbids it: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause("upstream-forbidden", explains, sentence, told)
