"""What stands in a report for text that was not granted: `<44 bytes 9f2c0a1b2c3d>`.

The length is that of the text, the digits are its fingerprint under the run's key: equal ones
are equal texts.  It names no kind, so that it is never taken for a credential's label.
"""

from __future__ import annotations

import hmac
import re
from typing import Final

_DIGITS: Final = 12
_LABEL: Final = re.compile(rf"<(\d+) bytes [0-9a-f]{{{_DIGITS}}}>")


def label(text: str, key: bytes) -> str:
    """What stands for a text (Latin-1) under the run's fingerprint key."""
    raw = text.encode("latin-1", "replace")
    return f"<{len(raw)} bytes {hmac.new(key, raw, 'sha256').hexdigest()[:_DIGITS]}>"


def length(shown: str) -> int:
    """How many bytes a shown text stands for: those of its labels, and its own."""
    if "<" not in shown:
        return len(shown)
    labels = list(_LABEL.finditer(shown))
    return len(shown) + sum(int(match[1]) - len(match[0]) for match in labels)
