"""The API judged the credential that it was sent, and it is bad."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at

ABOUT: Final = Code(
    "upstream-rejected-credential",
    severity="error",
    title="The API rejected the credential",
    needs=AGENT_HOP,
    meaning=(
        "The API answered 401 (Gemini: 400 API_KEY_INVALID). Its message tells which header it"
        " judged. What the agent sent was replaced by the API proxy: the key it holds is bad."
    ),
    advice="Check the key that the API proxy holds, not the agent's placeholder.",
    shown_by="h4-401-inside-tunnel",
)


def explains(call: FailedCall, case: Case) -> bool:
    """401 of the API's own; Gemini has 400 API_KEY_INVALID instead."""
    if call.answered_by != "upstream" or not call.is_read:
        return False
    row = answers.known(call)
    return call.status == 401 if row is None else row.code == ABOUT.code


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API rejected the credential: {count} x {answer(call)} ({at(call.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    """Which header was judged: its name stands in the API's message."""
    lines = answers.explained(call, case, count)
    judged = next((name for name in JUDGED if name in call.message), None)
    if judged is None:
        return lines
    return (f"The API judged {JUDGED[judged]}, which the API proxy writes, not the agent.", *lines)


#: Words of an API's message to the header they are about.
JUDGED: Final = {
    "x-api-key": "x-api-key",
    "bearer": "Authorization",
    "api key": "the API key",
    "api_key": "the API key",
}

CAUSE: Final = Cause(
    ABOUT,
    explains,
    sentence,
    details,
    "the key itself, which is inside TLS",
    lambda call, case: answers.advice(ABOUT, call),
)
