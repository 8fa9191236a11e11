"""A credential that no program can send or accept as it is: fatal to its call, or in vain there."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Cause, Code, Match, OfExchange, of_exchange
from inspector.diagnosis.rules import request_malformed
from inspector.diagnosis.words import at
from inspector.model.credentials import AuthHeader
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "credential-malformed",
    severity="error",
    title="A credential cannot be sent as it is",
    needs="the request's head, whole",
    meaning=(
        "The credential holds a control character, quotes, a doubled scheme, nothing, or words of"
        " the protocols alone, such as application/json: no key consists of them. A trailing space"
        " is harmless (measured) and is not meant. A note where the call succeeded all the same."
    ),
    advice="Trim the value where it is set; look at its anomalies in the report.",
    shown_by="key-control-character",
)

#: Anomalies that matter; a space at an end is taken off by every parser (RFC 9110 5.5).
MATTERS: Final = frozenset(
    {"control-character", "quoted", "doubled-scheme", "empty", "protocol-words"}
)


def is_malformed(auth: AuthHeader) -> bool:
    """Whether a credential cannot work as it is."""
    return not MATTERS.isdisjoint(auth.credential.anomalies)


def explains(call: FailedCall, case: Case) -> bool:
    """The API proxy's own parser refused the head that holds the credential.

    What arrives is replaced, so a malformed one that was let through explains nothing.
    """
    request = call.exchange.request
    own = call.answered_by == "api-proxy" or request_malformed.is_bare(call)
    if request is None or not own or call.status != 400:
        return False
    return not call.tunnels and any(map(is_malformed, request.auth))


def sentence(call: FailedCall, case: Case, count: int) -> str:
    request = call.exchange.request
    assert request is not None
    name = next(auth.name for auth in request.auth if is_malformed(auth))
    return f"{name} cannot be sent as it is: {count} x 400 ({at(request.packet, case)})."


def match(exchange: Exchange, case: Case) -> Match | None:
    """Note a malformed credential in any call; a failed call may have it for its cause."""
    request = exchange.request
    if request is None or not any(map(is_malformed, request.auth)):
        return None
    return Match(of_exchange(exchange), "note") if case.is_call(exchange) else None


CAUSE: Final = Cause(ABOUT, explains, sentence)
OF_EXCHANGES: Final = OfExchange(ABOUT, match)
