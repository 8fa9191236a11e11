"""A credential of a real key's shape where only placeholders belong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice
from inspector.facts import CredentialKind

#: Kinds told from a documented prefix or form; "unknown" may be anything.
REAL: Final[frozenset[CredentialKind]] = frozenset({
    "anthropic-api-key", "anthropic-oauth", "anthropic-admin-key", "openai-api-key",
    "openai-project-key", "github-token", "google-api-key", "aws-sigv4", "azure-key", "jwt",
})  # fmt: skip


def find(case: Case) -> Iterator[Match]:
    for exchange in case.exchanges:
        request = exchange.request
        if request is None or not case.is_call(exchange):
            continue
        if any(auth.credential.kind in REAL for auth in request.auth):
            yield Match(Evidence(exchange.connection, exchange.id, packet=request.packet))


NOTICE: Final = Notice("real-key-on-agent-hop", find)
