"""The host wants another Authorization scheme than the one it got."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import at, told

#: What APIs say of a scheme they do not take (GitHub Copilot: the first).
PHRASES: Final = ("badly formatted", "authorization scheme", "unsupported authentication scheme")


def explains(call: FailedCall, case: Case) -> bool:
    if call.answered_by != "upstream" or call.status not in (400, 401):
        return False
    return any(phrase in call.message for phrase in PHRASES)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API cannot read the Authorization header: {count} x {call.status}" + (
        f" ({at(call.packet, case)})."
    )


CAUSE: Final = Cause(
    "wrong-auth-scheme", explains, sentence, told, "the header that the API proxy sent"
)
