"""The host wants another Authorization scheme than the one it got."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
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


def explains(call: FailedCall, case: Case) -> bool:
    return call.answered_by == "upstream" and answers.is_about(call, ABOUT.code)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API cannot read the Authorization header: {count} x {call.status}" + (
        f" ({at(call.packet, case)})."
    )


CAUSE: Final = Cause(
    ABOUT,
    explains,
    sentence,
    told,
    "the header that the API proxy sent",
    lambda call, case: answers.advice(ABOUT, call),
)
