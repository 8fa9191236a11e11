"""A glance at a text: can any of the patterns for keys match in it at all?

The patterns of `finding` try dozens of alternatives at every character, and a
live capture reads every byte of every answer.  Each of their matches holds one
of a few literals; looking for those is some twenty times cheaper, and most texts
hold none.  A no is certain; a yes says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from inspector.regex import regex

_SUSPICIOUS: Final = (
    "sk-", "sk_", "github_", "aiza", "aq.", "akia", "asia", "eyj", "ya29", "xox", "tid=", "jqqj9",
    "bearer", "basic", "token", "key", "auth", "cookie", "secret", "pass", "sig", "://", "***", "%",
)  # fmt: skip
_GITHUB: Final = regex(r"gh[a-z]_")
#: Beyond Latin-1, what `re.IGNORECASE` takes for an ASCII letter and `lower` does not.
_FOLDED: Final = "\u017f\u212a\u0130\u0131"

_SHAPED: Final = (
    "sk-", "sk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "AIza", "AQ.Ab", "AKIA",
    "ASIA", "ya29.", "xox", "eyJ", "tid=", "JQQJ9",
)  # fmt: skip

#: How the names end that announce a credential, and what stands between one and its value.
_NAMES: Final = (
    "authorization", "key", "cookie", "token", "secret", "password", "sig", "signature",
    "credential",
)  # fmt: skip
_JOINTS: Final = ("=", ":", "%3a", "%3d", '"', "'", "\\", " ", "\t", "\r", "\n", "\f", "\v")
_ANNOUNCED: Final = {name: tuple(name + joint for joint in _JOINTS) for name in _NAMES}
_SUBPROTOCOL: Final = "openai-insecure-api-key."

_SCHEMES: Final = {
    name: tuple(name + gap for gap in (" ", "\t", "\r", "\n", "\f", "\v", "%20", "+"))
    for name in ("bearer", "basic", "token")
}


def _holds(text: str, literals: Iterable[str]) -> bool:
    """Whether one of them stands in a text.  `any` and a generator take three times as long."""
    for literal in literals:  # noqa: SIM110
        if literal in text:
            return True
    return False


def is_suspect(text: str, low: str) -> bool:
    """Whether any pass of `finding` can change `text`; `low` is `text.lower()`."""
    if _holds(low, _SUSPICIOUS):
        return True
    if "gh" in low and _GITHUB.search(low):
        return True
    return not text.isascii() and _holds(text, _FOLDED)


def may_be_shaped(text: str) -> bool:
    """Whether `finding._SHAPES` can find a key."""
    return _holds(text, _SHAPED)


def may_be_announced(low: str) -> bool:
    """Whether `finding._ANNOUNCED` can find a value."""
    if _SUBPROTOCOL in low:
        return True
    return any(name in low and _holds(low, joints) for name, joints in _ANNOUNCED.items())


def may_name_a_scheme(low: str) -> bool:
    """Whether `finding._SCHEME` can find a value."""
    return any(name in low and _holds(low, gaps) for name, gaps in _SCHEMES.items())


def may_hold_a_mask(text: str) -> bool:
    """Whether `finding.MASK` occurs."""
    return "***" in text or "..." in text or "\u2026" in text or "\u2022\u2022\u2022" in text
