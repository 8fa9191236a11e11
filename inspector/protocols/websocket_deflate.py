"""permessage-deflate (RFC 7692): what both ends agreed on, and its coding undone within limits."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

from inspector.protocols.content import Budget
from inspector.regex import regex

#: RFC 7692 7.2.2: what a sender takes away from the end of each message.
_TAIL: Final = b"\x00\x00\xff\xff"
#: The most that a reference reaches back (RFC 1951 2).
_WINDOW: Final = 1 << 15
_NAME: Final = "permessage-deflate"
_PARAMETER: Final = regex(r"[ \t]*([A-Za-z0-9_-]+)[ \t]*(?:=[^;,]*)?")


class TooMuch(Exception):
    """A message decodes to more than a limit."""


def agreed(extensions: str | None) -> dict[bool, bool] | None:
    """Whether each direction (True: the client's) keeps its context from message to message.

    `extensions`: the server's Sec-WebSocket-Extensions (RFC 7692 7.1); None where it takes no
    such coding.
    """
    for offer in (extensions or "").split(","):
        names = [match[1].lower() for match in map(_PARAMETER.match, offer.split(";")) if match]
        if names[:1] == [_NAME]:
            return {
                True: "client_no_context_takeover" not in names,
                False: "server_no_context_takeover" not in names,
            }
    return None


class Inflater:
    """Decodes the compressed messages of one direction, in their order.

    `budgets`: what all may decode to together; each gets its share by what comes.
    """

    def __init__(self, *, keeps_context: bool, budgets: Sequence[Budget]) -> None:
        self.is_lost = False
        self._keeps_context = keeps_context
        self._budgets = budgets
        # The largest window reads what was written for any (RFC 7692 7.1.2).
        self._codec = zlib.decompressobj(-zlib.MAX_WBITS)

    def lose(self) -> None:
        """A message was not decoded: whatever refers to it cannot be, either."""
        self.is_lost = self.is_lost or self._keeps_context

    def message(self, data: bytes, limit: int) -> bytes:
        """One message decoded.

        Raises `TooMuch` beyond `limit` or the budgets, and `ValueError` for what is not in the
        coding; then the next ones cannot be decoded, if they may refer to it.
        """
        for budget in self._budgets:
            budget.add(len(data))
        room = min(limit, *[budget.room for budget in self._budgets])
        try:
            out = self._decoded(data + _TAIL, max(0, room))
        except zlib.error:
            self._start_anew()
            self.lose()
            raise ValueError("not deflate") from None
        except TooMuch:
            self._start_anew()
            self.lose()
            raise
        for budget in self._budgets:
            budget.room -= len(out)
        if not self._keeps_context:
            self._start_anew()
        return out

    def _decoded(self, data: bytes, room: int) -> bytes:
        out = b""
        while True:
            out += self._codec.decompress(data, room + 1 - len(out))
            if len(out) > room:
                raise TooMuch
            if not self._codec.eof:
                return out
            # A block may say that it is the last; more follow all the same (RFC 7692 7.2.3.4).
            data = self._codec.unused_data
            self._codec = zlib.decompressobj(-zlib.MAX_WBITS, zdict=out[-_WINDOW:])
            if not data or data == _TAIL:
                return out

    def _start_anew(self) -> None:
        self._codec = zlib.decompressobj(-zlib.MAX_WBITS)
