"""A 4xx of the API that is about the request."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.rules import upstream_rate_limited
from inspector.diagnosis.words import answer, at, told

ABOUT: Final = Code(
    "upstream-bad-request",
    severity="error",
    title="The API finds the request wrong",
    needs=AGENT_HOP,
    meaning=("The API answered 400, 404, 413 or another 4xx. Its message names what it dislikes."),
    advice="Read the message; compare model, headers and body with the API's reference.",
    shown_by="upstream-413",
)


def explains(call: FailedCall, case: Case) -> bool:
    """Any 4xx that no cause explains that precedes this one, other than a rate limit."""
    if upstream_rate_limited.CAUSE.explains(call, case) or not answers.is_free(call, ABOUT.code):
        return False
    return (
        call.answered_by == "upstream"
        and call.is_read
        and call.status is not None
        and 400 <= call.status < 500
    )


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API finds the request wrong: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause(ABOUT, explains, sentence, told)
