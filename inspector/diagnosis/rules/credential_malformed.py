"""A credential that no program can send or accept as it is."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause
from inspector.diagnosis.words import at
from inspector.model.credentials import AuthHeader

#: Anomalies that matter; a space at an end is taken off by every parser (RFC 9110 5.5).
MATTERS: Final = frozenset({"control-character", "quoted", "doubled-scheme", "empty"})


def is_malformed(auth: AuthHeader) -> bool:
    """Whether a credential cannot work as it is."""
    return bool(MATTERS & set(auth.credential.anomalies))


def explains(call: FailedCall, case: Case) -> bool:
    """The API proxy's own parser refused the head that holds the credential.

    What arrives is replaced, so a malformed one that was let through explains nothing.
    """
    request = call.exchange.request
    if request is None or call.answered_by != "api-proxy" or call.status != 400:
        return False
    return not call.tunnels and any(map(is_malformed, request.auth))


def sentence(call: FailedCall, case: Case, count: int) -> str:
    request = call.exchange.request
    assert request is not None
    name = next(auth.name for auth in request.auth if is_malformed(auth))
    return f"{name} cannot be sent as it is: {count} x 400 ({at(request.packet, case)})."


CAUSE: Final = Cause("credential-malformed", explains, sentence)
