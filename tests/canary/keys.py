"""Keys that exist nowhere, and the search for any piece of them in an output.

Every secret part begins with the name of a bird, which nothing else in a report
has; the rest is drawn anew for every plant, so that a leak names its place.
"""

from __future__ import annotations

import base64
import random
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: A piece of a secret this long in an output is a leak.
PIECE: Final = 8
MARK: Final = "WARBLER"

#: Shape -> (public prefix, characters of the secret part, public end).  `unshaped`
#: looks like nothing known: only its position can give it away.
SHAPES: Final[dict[str, tuple[str, int, str]]] = {
    "unshaped": ("", 40, ""),
    "anthropic": ("sk-ant-api03-", 93, "AA"),
    "anthropic-admin": ("sk-ant-admin01-", 93, "AA"),
    "anthropic-oauth": ("sk-ant-oat01-", 93, "AA"),
    "openai": ("sk-", 48, ""),
    "openai-project": ("sk-proj-", 148, ""),
    "openai-service": ("sk-svcacct-", 148, ""),
    "github": ("ghp_", 36, ""),
    "github-server": ("ghs_", 36, ""),
    "github-fine-grained": ("github_pat_", 82, ""),
    "google": ("AIza", 35, ""),
    "google-new": ("AQ.Ab", 50, ""),
    "google-oauth": ("ya29.", 60, ""),
    "aws": ("AKIA", 16, ""),
    "slack": ("xoxb-", 40, ""),
    "jwt": ("eyJ", 90, ""),
}
#: A run of characters of which all forms of a secret consist.
_WORD: Final = re.compile(rb"[a-z0-9%+/_.\-]{8,}")
KNOWN: Final = tuple(shape for shape in SHAPES if shape != "unshaped")


@dataclass(frozen=True)
class Canary:
    """A made-up key: `text` is all of it, `secret` what no output may hold a piece of."""

    name: str
    text: str
    secret: str

    def __bytes__(self) -> bytes:
        return self.text.encode()


def canary(name: str, shape: str) -> Canary:
    """The key of this name: the same in every run."""
    prefix, length, end = SHAPES[shape]
    letters = string.ascii_uppercase + string.digits
    letters += "" if shape == "aws" else string.ascii_lowercase
    drawn = random.Random(f"{name} {shape}").choices(letters, k=length - len(MARK))
    secret = MARK + "".join(drawn)
    if shape == "jwt":
        secret = f"{secret[:30]}.{secret[30:60]}.{secret[60:]}"
    return Canary(f"{name} ({shape})", prefix + secret + end, secret)


def percent_encoded(data: bytes) -> bytes:
    """Every byte as %XX."""
    return b"".join(b"%%%02X" % byte for byte in data)


def forms(secret: str) -> set[bytes]:
    """All ways of writing a secret in which a piece of it must not be found."""
    raw = secret.encode()
    escaped = percent_encoded(raw)
    written = {raw, raw.hex().encode(), escaped, escaped.replace(b"%", b"%25")}
    for shift in range(3):
        # Base64 has three phases; the characters that neighbours share are cut off.
        whole = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        kept = whole[(shift * 8 + 5) // 6 : -1]
        written |= {kept, kept.replace(b"+", b"-").replace(b"/", b"_")}
    return written


class Watch:
    """Knows every piece of every planted secret, and finds them in outputs, in any case."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._pieces: dict[bytes, str] = {}
        for item in canaries:
            for form in forms(item.secret):
                # In hex and percent-encoding one character takes two and more.
                size = PIECE * max(1, len(form) // len(item.secret))
                lowered = form.lower()
                for at in range(len(form) - size + 1):
                    self._pieces.setdefault(lowered[at : at + size], item.name)
        self._sizes = {len(piece) for piece in self._pieces}

    def leaks(self, output: bytes) -> list[str]:
        """The names of the canaries of which `output` shows a piece, or the mark of all."""
        output = output.lower()
        pieces, found = self._pieces, set()
        for word in set(_WORD.findall(output)):
            for size in self._sizes:
                for at in range(len(word) - size + 1):
                    name = pieces.get(word[at : at + size])
                    if name is not None:
                        found.add(name)
        if MARK.lower().encode() in output:
            found.add(MARK)
        return sorted(found)
