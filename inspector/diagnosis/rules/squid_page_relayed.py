"""Squid's page where the API's answer should be."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Call, Case
from inspector.diagnosis.rule import Match, OfCall, of_call


def match(call: Call, case: Case) -> Match | None:
    return Match(of_call(call)) if call.answered_by == "forward-proxy" else None


NOTICE: Final = OfCall("squid-page-relayed", match)
