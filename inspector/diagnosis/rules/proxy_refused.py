"""An answer of the API proxy's own: a guard, a limit, a request it cannot read."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import answer, at, told


def explains(call: FailedCall, case: Case) -> bool:
    status = call.status
    if not call.is_read:
        return False
    return call.answered_by == "api-proxy" and status is not None and 400 <= status < 500


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API proxy refused: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause("proxy-refused", explains, sentence, told)
