"""The API failed: 5xx, or its side closed an intact tunnel without an answer."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.tls_words import reason_in
from inspector.diagnosis.words import answer, at, authority, plural, told

ABOUT: Final = Code(
    "upstream-server-error",
    severity="error",
    title="The API failed",
    needs=AGENT_HOP,
    meaning="The API answered 5xx, or its side closed an intact tunnel without an answer.",
    advice="Look at the provider's status page; try again.",
    shown_by="upstream-500",
)


def explains(call: FailedCall, case: Case) -> bool:
    if call.status is None or call.status < 500 or not call.is_read:
        return False
    if not answers.is_free(call, ABOUT.code):
        return False
    if call.answered_by == "upstream":
        return True
    tunnel, response = call.tunnel, call.exchange.response
    if call.answered_by != "api-proxy" or tunnel is None or tunnel.tls is None or response is None:
        return False
    closed_first = (
        tunnel.closed_by in ("server", "reset-by-server")
        and tunnel.closed_at is not None
        and tunnel.closed_at <= response.started_at
    )
    reason = reason_in(call.message)
    spoke_otherwise = reason is not None and reason.after
    return (closed_first or spoke_otherwise) and tunnel.tls.handshake == "complete"


def sentence(call: FailedCall, case: Case, count: int) -> str:
    if call.answered_by == "upstream":
        return f"The API failed: {count} x {answer(call)} ({at(call.packet, case)})."
    where, reason = at(call.packet, case), reason_in(call.message)
    if reason is not None and reason.after:
        return f"In the tunnel {reason.why}: {plural(count, 'call')} ({where})."
    return f"The API's side closed {count} x without an answer ({where})."


def advice(call: FailedCall, case: Case) -> str:
    reason = reason_in(call.message) if call.answered_by == "api-proxy" else None
    if reason is not None and reason.after:
        return reason.advice.format(host=authority(call))
    return ABOUT.advice


CAUSE: Final = Cause(ABOUT, explains, sentence, told, advice=advice)
