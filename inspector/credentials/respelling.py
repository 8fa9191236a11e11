"""Text that is written with percent-encoding, changed in its decoded characters at equal length."""

from __future__ import annotations

import re


def units(text: str, depth: int) -> list[tuple[str, str]]:
    """(decoded character, as written) of each; percent-encoding undone `depth` times."""
    found = [(char, char) for char in text]
    for _ in range(depth):
        merged: list[tuple[str, str]] = []
        at = 0
        while at < len(found):
            char, written = found[at]
            if char == "%" and at + 2 < len(found):
                digits = found[at + 1][0] + found[at + 2][0]
                if re.fullmatch("[0-9A-Fa-f]{2}", digits):
                    spelt = written + found[at + 1][1] + found[at + 2][1]
                    merged.append((chr(int(digits, 16)), spelt))
                    at += 3
                    continue
            merged.append((char, written))
            at += 1
        found = merged
    return found


def respelt(text: list[tuple[str, str]], new: str) -> str:
    """The units with other characters, each written as long as it was."""
    parts: list[str] = []
    for (old, written), char in zip(text, new, strict=True):
        if old == char:
            parts.append(written)
        elif len(written) == 1:
            parts.append(char)
        elif len(written) == 3:
            parts.append(f"%{ord(char):02X}")
        elif len(written) == 5:
            parts.append(f"%25{ord(char):02X}")
        else:
            parts.append("x" * len(written))
    return "".join(parts)
