"""The server's side closed without one byte, and lived on."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, OfCall, of_call
from inspector.diagnosis.rules import proxy_died

ABOUT: Final = Code(
    "call-unanswered",
    severity="error",
    title="A call got no answer",
    needs=AGENT_HOP,
    meaning="The server's side closed without one byte, and went on living.",
    advice="Read the API proxy's log at that time.",
)


def match(call: FailedCall, case: Case) -> Match | None:
    if call.outcome != "unanswered" or proxy_died.explains(call, case):
        return None
    return Match(of_call(call))


NOTICE: Final = OfCall(ABOUT, match)
