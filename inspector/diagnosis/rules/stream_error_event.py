"""An event of the stream is an error of the API."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import at, told


def explains(call: FailedCall, case: Case) -> bool:
    return call.outcome == "error-event"


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API failed inside its stream: {count} x event: error ({at(call.packet, case)})."


CAUSE: Final = Cause("stream-error-event", explains, sentence, told)
