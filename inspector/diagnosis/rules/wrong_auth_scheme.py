"""The host wants another Authorization scheme than the one it got."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, told

ABOUT: Final = Code(
    "wrong-auth-scheme",
    severity="error",
    title="The Authorization scheme is wrong for the host",
    needs=AGENT_HOP,
    meaning=(
        "The API answered that the Authorization header is badly formatted: `token` where it"
        " wants `Bearer`, or the reverse. The API proxy writes that header."
    ),
    advice="Look at which host the API proxy talks to and which scheme it takes for it.",
    shown_by="copilot-wrong-scheme",
)

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


CAUSE: Final = Cause(ABOUT, explains, sentence, told, "the header that the API proxy sent")
