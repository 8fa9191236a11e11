"""Keys that exist nowhere, and the proof that a text gives none of them away."""

from __future__ import annotations

from hypothesis import strategies as st

#: Prefix -> kind.  Upper-case canaries cannot occur in labels by chance.
PREFIXED: dict[str, str] = {
    "sk-ant-api03-": "anthropic-api-key",
    "sk-ant-admin01-": "anthropic-admin-key",
    "sk-ant-oat01-": "anthropic-oauth",
    "sk-proj-": "openai-project-key",
    "sk-svcacct-": "openai-api-key",
    "sk-": "openai-api-key",
    "ghp_": "github-token",
    "gho_": "github-token",
    "ghu_": "github-token",
    "ghs_": "github-token",
    "ghr_": "github-token",
    "github_pat_": "github-token",
    "AIza": "google-api-key",
    "AQ.Ab": "google-api-key",
    "AKIA": "aws-sigv4",
}

LETTERS = "BCDEFGHJKLMNPQRTUVWXYZ"

#: The part of a key that must never be seen, 24 to 60 characters.
secrets = st.text(LETTERS, min_size=24, max_size=60)


def leaks(secret: str, text: str, shortest: int = 6) -> list[str]:
    """The pieces of `secret`, `shortest` characters long, that `text` shows."""
    pieces = {secret[at : at + shortest] for at in range(len(secret) - shortest + 1)}
    return sorted(piece for piece in pieces if piece in text)
