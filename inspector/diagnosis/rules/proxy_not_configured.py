"""The API proxy says itself that it has no key for the provider."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, told
from inspector.regex import regex

ABOUT: Final = Code(
    "proxy-not-configured",
    severity="error",
    title="The API proxy has no key for that provider",
    needs=AGENT_HOP,
    meaning=(
        "The API proxy itself answered that the provider is not configured. Nothing was sent to"
        " the API."
    ),
    advice="Give the API proxy the key that its answer names.",
    shown_by="proxy-not-configured",
)

#: A variable of the environment whose name ends as those of keys do.
_VARIABLE: Final = regex(r"\b[A-Z][A-Z0-9]{1,20}(?:_[A-Z0-9]{1,20}){0,4}_(?:KEY|TOKEN)\b")


def explains(call: FailedCall, case: Case) -> bool:
    if call.answered_by != "api-proxy" or call.status not in (403, 503):
        return False
    return "not_configured" in call.message or "not configured" in call.message


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return (
        f"The API proxy has no key for {call.exchange.provider}:"
        f" {count} x {call.status} of its own ({at(call.packet, case)})."
    )


def advice(call: FailedCall, case: Case) -> str:
    """The variable, where the answer names one."""
    response = call.exchange.response
    error = None if response is None else response.api_error
    named = None if error is None else _VARIABLE.search(error.message or "")
    return ABOUT.advice if named is None else f"Set {named[0]} for the API proxy."


CAUSE: Final = Cause(ABOUT, explains, sentence, told, advice=advice)
