"""What everyone may know of keys: documented prefixes, and constants that stand for one.

A prefix that is shown is always one of these, never a slice of a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from inspector.model.credentials import CredentialKind
from inspector.model.providers import PROVIDERS


def longest_first(
    pairs: Iterable[tuple[CredentialKind, str]],
) -> tuple[tuple[CredentialKind, str], ...]:
    """(kind, documented prefix) in the order in which they are looked for, each once."""
    return tuple(sorted(dict.fromkeys(pairs), key=lambda pair: -len(pair[1])))


#: (kind, documented prefix) of what is no provider's key.
_OTHERS: Final[tuple[tuple[CredentialKind, str], ...]] = (
    ("unknown", "sk-or-"),  # OpenRouter; listed so that it is not taken for OpenAI's
    ("aws-sigv4", "AKIA"),
    ("aws-sigv4", "ASIA"),
)

#: The same with those of the providers, the longest prefix first.  No length is asked for: a
#: key cut short or with a character too many is still that kind of key, and `length` shows
#: the damage.
PREFIXES: Final = longest_first(
    (*(pair for row in PROVIDERS for pair in row.key_prefixes), *_OTHERS)
)

#: Constants that the firewall hands to its agent in place of a key.  Public, so
#: shown in full; matched exactly, since one character more is another value.
PLACEHOLDERS: Final[frozenset[str]] = frozenset(
    {
        "sk-ant-placeholder-key-for-credential-isolation",
        "placeholder-token-for-credential-isolation",
        "sk-placeholder-for-api-proxy",
        "ghu_" + 36 * "a",
        "gemini-api-key-placeholder-for-credential-isolation",
        "google-api-key-placeholder-for-credential-isolation",
    }
)

#: One of them in a text, and no part of a longer word; a pattern for text and for bytes.
PLACEHOLDER: Final = (
    r"(?<![\w\-])(?:"
    + "|".join(re.escape(text) for text in sorted(PLACEHOLDERS, key=len, reverse=True))
    + r")(?![\w\-])"
)
