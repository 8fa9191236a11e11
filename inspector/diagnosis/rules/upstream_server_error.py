"""The API failed: 5xx, or its side closed an intact tunnel without an answer."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import answer, at, told


def explains(call: FailedCall, case: Case) -> bool:
    if call.status is None or call.status < 500 or not call.is_read:
        return False
    if call.answered_by == "upstream":
        return True
    tunnel = call.tunnel
    intact = tunnel is not None and tunnel.tls is not None and tunnel.tls.handshake == "complete"
    return call.answered_by == "api-proxy" and intact


def sentence(call: FailedCall, case: Case, count: int) -> str:
    if call.answered_by == "upstream":
        return f"The API failed: {count} x {answer(call)} ({at(call.packet, case)})."
    return f"The API's side closed {count} x without an answer ({at(call.packet, case)})."


CAUSE: Final = Cause("upstream-server-error", explains, sentence, told)
