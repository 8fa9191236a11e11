"""What is hidden of a body that nobody understands, and what stays even then.

A masker takes a body in pieces of any size and answers the masked bytes of what is decided,
always the next ones; `flush` and `finish` decide the rest.  What is held back is bounded.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from inspector.regex import regex
from inspector.secrets.constants import PLACEHOLDER

#: What follows a placeholder in JSON may be an escape: its letter is no part of a word.
_ESCAPE: Final = regex(rb"\\(?:u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_PLACEHOLDER: Final = regex(PLACEHOLDER.encode())
#: Bytes at the end of what is blanked that may begin a placeholder.
TAIL: Final = 64
#: The error's name in Squid's pages (`errors/*/ERR_*`, their `<!-- ERR_… -->` and mailto link).
_SQUID: Final = regex(rb"(?<!\w)ERR_[A-Z]{2,12}(?:_[A-Z]{1,12}){0,4}(?!\w)")
#: One of these stands in every placeholder and every such name.
SIGNS: Final = (b"placeholder", b"ghu_aaaa", b"ERR_")


class BodyMasker(Protocol):
    """Takes a body piece by piece; answers masked bytes, in order and as many as are decided."""

    @property
    def changed(self) -> bool:
        """Whether anything was hidden."""

    def feed(self, data: bytes) -> bytes:
        """The next bytes of the body."""

    def flush(self) -> bytes:
        """Decide everything that is here; more may come."""

    def finish(self) -> bytes:
        """The body is over, or nothing more of it will come: decide the rest."""

    def gap(self) -> None:
        """Bytes lack behind what was decided by `flush`."""


def blanked(data: bytes) -> bytes:
    """As many `x`, but for placeholders and the names of Squid's errors."""
    for sign in SIGNS:
        if sign in data:
            break
    else:
        return b"x" * len(data)
    view = _ESCAPE.sub(lambda match: b" " * len(match[0]), data)
    out = bytearray(b"x" * len(data))
    for pattern in (_PLACEHOLDER, _SQUID):
        for match in pattern.finditer(view):
            out[match.start() : match.end()] = match[0]
    return bytes(out)


def blanked_start(data: bytes) -> bytes:
    """The first bytes of `data` blanked: those that no placeholder reaches which goes on behind."""
    if len(data) <= 2 * TAIL:
        return b""
    hidden = blanked(data)
    end = len(data) - TAIL
    cut = end
    while cut and hidden[cut - 1] != ord("x"):
        cut -= 1
    return hidden[: cut or end]


class Blank:
    """Hides all of a body."""

    def __init__(self) -> None:
        self.changed = False
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """See `BodyMasker`."""
        self._pending += data
        return self._decided(blanked_start(self._pending))

    def flush(self) -> bytes:
        """See `BodyMasker`."""
        return self._decided(blanked(self._pending))

    finish = flush

    def gap(self) -> None:
        """See `BodyMasker`."""

    def _decided(self, hidden: bytes) -> bytes:
        self.changed = self.changed or bool(hidden)
        self._pending = self._pending[len(hidden) :]
        return hidden
