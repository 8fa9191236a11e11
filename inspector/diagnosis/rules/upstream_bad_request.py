"""A 4xx of the API that is about the request."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import answer, at, told


def explains(call: FailedCall, case: Case) -> bool:
    return (
        call.answered_by == "upstream"
        and call.is_read
        and call.status is not None
        and 400 <= call.status < 500
    )


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API finds the request wrong: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause("upstream-bad-request", explains, sentence, told)
