"""The API named the anthropic-beta header in a 400."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Call, Case
from inspector.diagnosis.rule import Match, OfCall, of_call


def match(call: Call, case: Case) -> Match | None:
    named = call.answered_by == "upstream" and "anthropic-beta" in call.message
    return Match(of_call(call)) if named else None


NOTICE: Final = OfCall("anthropic-beta-retired", match)
