"""Which masker a body gets: by what its head says of it, then by its first bytes.

The same decisions as `exchanges/response_bodies.py`: what is read there must say
the same in a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inspector.credentials.masking import Masker
from inspector.exchanges.response_bodies import EVENT_STREAM, GZIP, is_json
from inspector.redaction.blanks import Blank, BodyMasker
from inspector.redaction.bodies import JsonBody, masked_text
from inspector.redaction.event_bodies import EventsBody
from inspector.redaction.page_bodies import PageBody

#: First bytes that tell.
SNIFFED: Final = 16
#: A text's first line is an error's message, of at most so many bytes.
LINE_LIMIT: Final = 4 << 10


class FirstLine:
    """Keeps the first line of a plain text, which names an error; keys in it are masked."""

    def __init__(self, masker: Masker) -> None:
        self.changed = False
        self._masker = masker
        self._pending: bytes | None = b""
        self._rest = Blank()

    def feed(self, data: bytes) -> bytes:
        """See `BodyMasker`."""
        if self._pending is None:
            self.changed = True
            return self._rest.feed(data)
        self._pending += data
        if b"\n" in self._pending or len(self._pending) > LINE_LIMIT:
            return self._decide()
        return b""

    def flush(self) -> bytes:
        """See `BodyMasker`."""
        return self._rest.flush() if self._pending is None else self._decide() + self._rest.flush()

    finish = flush

    def gap(self) -> None:
        """See `BodyMasker`.  What follows is no first line."""
        self._pending = None

    def _decide(self) -> bytes:
        pending = self._pending or b""
        self._pending = None
        line, end, rest = pending.partition(b"\n")
        kept = masked_text(self._masker, line[:LINE_LIMIT], plain=True)
        shown = b"x" * len(line[:LINE_LIMIT]) if kept is None else kept
        self.changed = self.changed or shown != line or bool(rest)
        return shown + b"x" * len(line[LINE_LIMIT:]) + end + self._rest.feed(rest)


class _Sniffed:
    """Lets a body's first bytes choose its masker."""

    def __init__(self, choose: Callable[[bytes], BodyMasker], *, is_read: bool) -> None:
        self._choose = choose
        self._is_read = is_read
        self._held = b""
        self._masker: BodyMasker | None = None

    @property
    def changed(self) -> bool:
        return self._masker is not None and self._masker.changed

    def feed(self, data: bytes) -> bytes:
        """See `BodyMasker`."""
        if self._masker is not None:
            return self._masker.feed(data)
        self._held += data
        return self._begin() if len(self._held.lstrip()) >= SNIFFED else b""

    def flush(self) -> bytes:
        """See `BodyMasker`."""
        if self._masker is not None:
            return self._masker.flush()
        return self._decide(over=False)

    def finish(self) -> bytes:
        """See `BodyMasker`."""
        return self._decide(over=True) if self._masker is None else self._masker.finish()

    def gap(self) -> None:
        """See `BodyMasker`."""
        if self._masker is None:
            self._masker = self._choose(b"")
        self._masker.gap()

    def _begin(self) -> bytes:
        held, self._held = self._held, b""
        self._masker = self._choose(held)
        kept = GZIP if self._is_read and held.startswith(GZIP) else b""
        return kept + self._masker.feed(held[len(kept) :])

    def _decide(self, *, over: bool) -> bytes:
        """By the few bytes that there are."""
        if not self._held:
            return b""
        begun, masker = self._begin(), self._masker
        if masker is None:
            return begun
        return begun + (masker.finish() if over else masker.flush())


def masker_of(kind: str | None, status: int | None, masker: Masker) -> BodyMasker:
    """The masker of a body of media type `kind`; `status` is the response's, None of a request."""
    answers = status is not None
    failed = status is not None and status >= 400

    def choose(start: bytes) -> BodyMasker:
        if is_json(kind):
            return JsonBody(masker, answers=answers, failed=failed)
        if kind == "text/event-stream" or EVENT_STREAM.match(start):
            return EventsBody(masker)
        if kind == "text/plain" and failed:
            return FirstLine(masker)
        if kind == "text/html" and failed:
            return PageBody()
        if start.lstrip(b" \t\r\n")[:1] in (b"{", b"["):
            return JsonBody(masker, answers=answers, failed=failed)
        return Blank()

    return _Sniffed(choose, is_read=answers)
