"""An answer of the API proxy's own: a guard, a limit, a request it cannot read."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at, told

ABOUT: Final = Code(
    "proxy-refused",
    severity="error",
    title="The API proxy refused the call itself",
    needs=AGENT_HOP,
    meaning=(
        "The answer is the API proxy's own (its header names are in Title-Case, its error of its"
        " own kind, and it opened no tunnel): a budget guard, a rate limit, a body too large."
    ),
    advice=("Raise the limit that the answer names, or make fewer calls; the API never saw them."),
    shown_by="proxy-guard-429",
)


def explains(call: FailedCall, case: Case) -> bool:
    status = call.status
    if not call.is_read:
        return False
    return call.answered_by == "api-proxy" and status is not None and 400 <= status < 500


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API proxy refused: {count} x {answer(call)} ({at(call.packet, case)})."


CAUSE: Final = Cause(ABOUT, explains, sentence, told)
