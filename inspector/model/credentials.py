"""What may be said of a credential without giving any of it away."""

from __future__ import annotations

from typing import Literal, TypeAlias

from inspector.fact import Fact

CredentialKind: TypeAlias = Literal[
    "anthropic-api-key",
    "anthropic-oauth",
    "anthropic-admin-key",
    "openai-api-key",
    "openai-project-key",
    "github-token",
    "google-api-key",
    "aws-sigv4",
    "azure-key",
    "jwt",
    "basic",
    "placeholder",
    "unknown",
    "empty",
]
Anomaly: TypeAlias = Literal[
    "leading-space",
    "trailing-space",
    "control-character",
    "quoted",
    "doubled-scheme",
    "empty",
    "non-ascii",
    "protocol-words",
]


class Credential(Fact):
    """A credential, described: its kind, its public prefix, its length, a fingerprint."""

    kind: CredentialKind
    """What its shape or its position says it is."""
    prefix: str | None
    """The documented, public part of its shape (`sk-ant-api03-`)."""
    length: int
    """Bytes of the value, without the scheme and the one space after it."""
    fingerprint: str | None
    """12 hex digits of HMAC-SHA-256 under the run's key; null for an empty value.

    Equal fingerprints under one key are equal credentials.
    """
    placeholder: str | None
    """The public constant itself, when the value is one: it is no secret."""
    anomalies: tuple[Anomaly, ...] = ()
    """What is odd in the value as sent, in an order that stays."""


class AuthHeader(Fact):
    """One credential-bearing position of a request, in wire order."""

    name: str
    """The header's name as sent; a query parameter has the name `?key`."""
    scheme: str | None
    """The authorization scheme as sent (`Bearer`, `token`)."""
    credential: Credential
    """What was sent there."""
