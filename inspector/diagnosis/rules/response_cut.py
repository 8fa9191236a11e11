"""A body shorter than its head promised."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import at, bytes_down, is_stream, order_of_closing, plural


def explains(call: FailedCall, case: Case) -> bool:
    return call.outcome == "cut" and not is_stream(call) and case.knows_who_closed(call)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return (
        f"{plural(count, 'answer')} shorter than promised:"
        f" {bytes_down(call)} body bytes came ({at(call.packet, case)})."
    )


CAUSE: Final = Cause("response-cut", explains, sentence, order_of_closing)
