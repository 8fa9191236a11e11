"""A failed call that no cause explains."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Match, OfCall, of_call
from inspector.diagnosis.rules import call_unanswered


def match(call: FailedCall, case: Case) -> Match | None:
    """Whatever ended badly in the capture; a call without an answer has a code of its own."""
    return None if call_unanswered.match(call, case) else Match(of_call(call))


NOTICE: Final = OfCall("call-failed", match)
