"""The client closed first, and nothing else was wrong."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Call, Case
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import order_of_closing, plural


def explains(call: Call, case: Case) -> bool:
    return call.outcome == "left"


def sentence(call: Call, case: Case, count: int) -> str:
    return (
        f"The client left before its answer was whole: {plural(count, 'call')}"
        f" (packet {call.packet})."
    )


CAUSE: Final = Cause("client-aborted", explains, sentence, order_of_closing)
