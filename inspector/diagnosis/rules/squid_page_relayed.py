"""Squid's page where the API's answer should be."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, OfCall, of_call
from inspector.diagnosis.words import squid_error

ABOUT: Final = Code(
    "squid-page-relayed",
    severity="warning",
    title="Squid's error page was relayed as the API's answer",
    needs=AGENT_HOP,
    meaning=(
        "The agent got Squid's HTML page with the API proxy's blessing. A log that asks to check"
        " the API key is wrong about it: the key never left."
    ),
    advice=("See the cause; ignore what the page's status would mean if the API had sent it."),
    shown_by="squid-denied",
)


def match(call: FailedCall, case: Case) -> Match | None:
    asked_squid = call.exchange.hop == "agent-to-forward-proxy"
    response = call.exchange.response
    # Of what a proxy behind Squid says it passes on a bare head.
    has_page = response is not None and (response.body_bytes > 0 or squid_error(call) != "")
    relayed = call.answered_by == "forward-proxy" and not asked_squid and has_page
    return Match(of_call(call)) if relayed else None


NOTICE: Final = OfCall(ABOUT, match)
