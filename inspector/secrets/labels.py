"""What stands in a report for text that was not granted: `<44 bytes 9f2c0a1b2c3d>`.

The length is that of the text, the digits are its fingerprint under the run's key: equal ones
are equal texts.  It names no kind, so that it is never taken for a credential's label.
"""

from __future__ import annotations

from typing import Final

from inspector.regex import regex
from inspector.secret import FINGERPRINT_DIGITS, fingerprint

_DIGITS: Final = FINGERPRINT_DIGITS
#: Characters of the longest label: that of a credential, with its kind, prefix and anomalies.
_LONGEST: Final = 160
_CUT: Final = "..."
_CUT_LABEL: Final = "...>"
#: Characters of a label beside those of the length.
_FIXED: Final = len("< bytes >") + _DIGITS
_LABEL: Final = regex(rf"<(\d+) bytes [0-9a-f]{{{_DIGITS}}}>")


def label(text: str, key: bytes) -> str:
    """What stands for a text (Latin-1) under the run's fingerprint key."""
    raw = text.encode("latin-1", "replace")
    return f"<{len(raw)} bytes {fingerprint(raw, key)}>"


def shortened(text: str, room: int) -> str:
    """A shown text in at most `room` characters, with `...` where it was cut.

    A label in it stays whole or goes.  Of one with which the text begins, and which has no room,
    the beginning stays and its end is marked: `<anthropic-api...>`.
    """
    if len(text) <= room:
        return text
    kept = max(0, room - len(_CUT))
    start = text.rfind("<", 0, kept)
    stop = text.find(">", start)
    if start < 0 or not kept <= stop < start + _LONGEST:
        return (text[:kept] + _CUT)[:room]
    if start:
        return text[:start].rstrip() + _CUT
    return text[: room - len(_CUT_LABEL)] + _CUT_LABEL if room > len(_CUT_LABEL) else text[:room]


def length(shown: str) -> int:
    """How many bytes a shown text stands for: those of its labels, and its own."""
    if "<" not in shown:
        return len(shown)
    stated: list[str] = _LABEL.findall(shown)
    return len(shown) + sum([int(size) - len(size) for size in stated]) - _FIXED * len(stated)
