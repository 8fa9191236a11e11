"""A credential of a real key's shape where only placeholders belong."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfExchange, of_exchange
from inspector.facts import CredentialKind, Exchange

#: Kinds told from a documented prefix or form; "unknown" may be anything.
REAL: Final[frozenset[CredentialKind]] = frozenset({
    "anthropic-api-key", "anthropic-oauth", "anthropic-admin-key", "openai-api-key",
    "openai-project-key", "github-token", "google-api-key", "aws-sigv4", "azure-key", "jwt",
})  # fmt: skip


def match(exchange: Exchange, case: Case) -> Match | None:
    request = exchange.request
    if request is None or not case.is_call(exchange):
        return None
    return (
        Match(of_exchange(exchange))
        if any(auth.credential.kind in REAL for auth in request.auth)
        else None
    )


NOTICE: Final = OfExchange("real-key-on-agent-hop", match)
