"""The server's side closed without one byte, and lived on."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Match, OfCall, of_call
from inspector.diagnosis.rules import proxy_died


def match(call: FailedCall, case: Case) -> Match | None:
    if call.outcome != "unanswered" or proxy_died.explains(call, case):
        return None
    return Match(of_call(call))


NOTICE: Final = OfCall("call-unanswered", match)
