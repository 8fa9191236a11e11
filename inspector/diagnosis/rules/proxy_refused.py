"""An answer of the API proxy's own: a guard, a limit, a key it does not know, its own failure."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.rules import gateway_cannot_connect, squid_down
from inspector.diagnosis.words import answer, at, told

ABOUT: Final = Code(
    "proxy-refused",
    severity="error",
    title="The API proxy refused the call itself",
    needs=AGENT_HOP,
    meaning=(
        "Whoever stands in the API proxy's place wrote the answer itself and sent nothing on: a"
        " budget guard, a rate limit, a body too large, a key or a model it does not know, its own"
        " failure. Who wrote it is told by all signs together: nothing was opened between request"
        " and answer, the error is of its kind, the page or Server names it, the header names are"
        " spelled as it spells them."
    ),
    advice=(
        "Change what the answer names in the API proxy's own settings (limit, key, model, size);"
        " the API never saw the call."
    ),
    shown_by="proxy-guard-429",
)


def explains(call: FailedCall, case: Case) -> bool:
    """A 4xx of its own, or a 5xx that tells of no attempt to reach anybody."""
    status = call.status
    if not call.is_read or call.answered_by != "api-proxy" or status is None:
        return False
    if 400 <= status < 500:
        row = answers.known(call)
        # A guard's limit is the API proxy's, whatever an API means by the same words.
        return row is None or row.code == ABOUT.code or row.code.startswith("upstream-")
    if status < 500 or call.tunnels or call.given_up_by is not None:
        return False
    if squid_down.explains(call, case) or gateway_cannot_connect.says_so(call):
        return False
    if "proxy error" in call.message:
        return False  # the API proxy's word for a way upstream that failed it
    return status not in gateway_cannot_connect.STATUSES or gateway_cannot_connect.refuses(call)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"The API proxy refused: {count} x {answer(call)} ({at(call.packet, case)})."


#: The kinds of errors of the firewall's guards, with the setting that each is about.
_GUARDS: Final[dict[str, str]] = {
    "rate_limit_error": "Wait, or raise the rate limit of the API proxy",
    "max_runs_exceeded": "Raise the API proxy's limit of runs",
    "effective_tokens_limit_exceeded": "Raise the API proxy's limit of tokens",
    "ai_credits_limit_exceeded": "Raise the API proxy's limit of credits",
    "max_cache_misses_exceeded": "Raise the API proxy's limit of cache misses",
    "permission_denied_limit_exceeded": (
        "Find out what was denied before; then raise the API proxy's limit of denials"
    ),
    "model_policy_violation": "Use a model that the API proxy's policy allows, or change it",
    "model_multiplier_cap_exceeded": "Use a model below the API proxy's cap, or raise the cap",
    "retired_model": "Use a model that is still served",
    "unknown_model_ai_credits": "Use a model of which the API proxy knows the price",
}
_TOO_LARGE: Final = 413


def advice(call: FailedCall, case: Case) -> str:
    """Name the setting that the answer is about."""
    if answers.is_about(call, ABOUT.code):
        return answers.advice(ABOUT, call)
    response = call.exchange.response
    error = None if response is None else response.api_error
    named = _GUARDS.get((error.type if error is not None else None) or "")
    if named is None and call.status == _TOO_LARGE:
        named = "Send a smaller body, or raise the API proxy's limit of its size"
    return ABOUT.advice if named is None else f"{named}; the API never saw the call."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    """Quote the answer, and say what it means where its words are this finding's."""
    if answers.is_about(call, ABOUT.code):
        return answers.explained(call, case, count)
    return told(call, case, count)


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
