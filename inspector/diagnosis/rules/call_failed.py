"""A failed call that no cause explains."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, OfUnexplained, of_call
from inspector.diagnosis.rules import call_unanswered

ABOUT: Final = Code(
    "call-failed",
    severity="error",
    title="A call failed, of no cause that can be proven",
    needs=AGENT_HOP,
    meaning=(
        "The answer is an error, cut, or damaged, and no cause of this catalogue accounts for it:"
        " the API proxy's own 500, 502 or 504 without a tunnel, or an error whose text was not"
        " captured whole. What was answered is under FAILED OR CUT. Calls that end outside the"
        " capture are not meant."
    ),
    advice=("Read the API proxy's log at that time; the answer's own words say what it tried."),
)


def match(call: FailedCall, case: Case) -> Match | None:
    """Match every unexplained failure but an unanswered call, which has a finding of its own."""
    return None if call_unanswered.match(call, case) else Match(of_call(call))


NOTICE: Final = OfUnexplained(ABOUT, match)
