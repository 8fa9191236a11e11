"""A body shorter than its head promised."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import (
    at,
    bytes_down,
    is_stream,
    order_of_closing,
    plural,
    who_broke_off,
)

ABOUT: Final = Code(
    "response-cut",
    severity="error",
    title="An answer is shorter than promised",
    needs=AGENT_HOP,
    meaning="The connection closed before the body was as long as its head said.",
    advice="Try again; see which side closed first, and read its log.",
    shown_by="upstream-json-cut",
)


def explains(call: FailedCall, case: Case) -> bool:
    return call.outcome == "cut" and not is_stream(call) and case.knows_who_closed(call)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return (
        f"{plural(count, 'answer')} shorter than promised:"
        f" {bytes_down(call)} body bytes came ({at(call.packet, case)})."
    )


CAUSE: Final = Cause(ABOUT, explains, sentence, order_of_closing, advice=who_broke_off)
