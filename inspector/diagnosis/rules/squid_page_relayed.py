"""Squid's page where the API's answer should be."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Match, OfCall, of_call


def match(call: FailedCall, case: Case) -> Match | None:
    asked_squid = call.exchange.hop == "agent-to-forward-proxy"
    relayed = call.answered_by == "forward-proxy" and not asked_squid
    return Match(of_call(call)) if relayed else None


NOTICE: Final = OfCall("squid-page-relayed", match)
