"""An event of the stream is an error of the API."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, told

ABOUT: Final = Code(
    "stream-error-event",
    severity="error",
    title="The API reported an error inside its stream",
    needs=AGENT_HOP,
    meaning="The status was 200, and an event of the stream is an error.",
    advice="Treat it as that error: overloaded_error is to be tried again.",
    shown_by="h3-upstream-error-event",
)


def explains(call: FailedCall, case: Case) -> bool:
    return call.outcome == "error-event"


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API failed inside its stream: {count} x event: error ({at(call.packet, case)})."


CAUSE: Final = Cause(ABOUT, explains, sentence, told)
