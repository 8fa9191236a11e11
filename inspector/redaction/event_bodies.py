"""Event streams in a copy: fields, the names of events and the structure of their data.

Events are taken whole, as `protocols/sse.py` takes them, so that what is
counted, broken or an error there is so in the copy.
"""

from __future__ import annotations

import re
from typing import Final

from inspector.credentials.masking import Masker
from inspector.native.layout import KNOWN_EVENT
from inspector.native.used import USED
from inspector.protocols.api import parse_json
from inspector.protocols.sse import EVENT_LIMIT
from inspector.redaction.blanks import blanked
from inspector.redaction.bodies import JsonBody, granted
from inspector.redaction.body_grants import EVENT
from inspector.redaction.compiled_bodies import CompiledMasking

_BOM: Final = b"\xef\xbb\xbf"
_BLANK_LINE: Final = re.compile(rb"\r\n(?:\r\n?|\n)|\n(?:\r\n?|\n)|\r\r\n?")
_LINE: Final = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_-]*")
_NOT_END: Final = re.compile(rb"[^\r\n]")
#: What the API proxy writes into the midst of an event (`protocols/sse.py`).
_BARE_ERROR: Final = b'{"error":"'
_VALUE_BEGINS: Final = re.compile(rb"(?:\A|[\r\n])data: ?\Z")
_DONE: Final = b"[DONE]"
_FIELDS: Final = frozenset({b"data", b"event", b"id", b"retry"})


#: The member of an event that says what the others of its kind do not: of no grant, of plain
#: ASCII, with no escape but of one letter.
_SAID: Final = re.compile(
    rb'"(?:text|partial_json|thinking|content|arguments|delta)": ?"'
    rb'((?:[^"\\\x00-\x1f\x80-\xff]|\\["\\/bfnrt])+)"'
)


class EventsBody:
    """Hides what the events of one stream say."""

    def __init__(self, masker: Masker) -> None:
        self.changed = False
        self._masker = masker
        self._pending = bytearray()
        self._looked = 0  # so far there is no blank line in `_pending`
        self._hiding = False  # the rest of an event that was too long, or was cut
        self._at_start = True
        self._is_json = False  # what the last event had for data

    def feed(self, data: bytes) -> bytes:
        """See `BodyMasker`."""
        pending = self._pending
        pending += data
        parts: list[bytes] = []
        at, looked = 0, self._looked
        masking: CompiledMasking | None = None
        stopped = -1
        while True:
            if not self._hiding:
                begun, at = at, self._line_ends(pending, at, parts)
                self._at_start = self._at_start and at == begun  # HTML 9.2.6: a BOM is the first
            found = _BLANK_LINE.search(pending, max(at, looked - 3))
            if found is None:
                break
            if USED.core is not None and not self._hiding and stopped < at:
                if masking is None:
                    masking = CompiledMasking(USED.core, self._masker.tokens, bytes(pending))
                stopped, changed = masking.events(at)
                if stopped > at:
                    parts.append(masking.masked(at, stopped))
                    self.changed = self.changed or changed
                    self._at_start = False
                    at = stopped
                    continue
            start, stop = found.span()
            parts += (self._masked(bytes(pending[at:start])), bytes(pending[start:stop]))
            at = looked = stop
            self._hiding = False
        if self._hiding or len(pending) - at > EVENT_LIMIT:
            rest = len(pending.rstrip(b"\r\n"))
            if rest > at:
                parts.append(self._masked(bytes(pending[at:rest])))
                at = rest
            self._hiding = True
        del pending[:at]
        self._looked = len(pending)
        return b"".join(parts)

    def flush(self) -> bytes:
        """See `BodyMasker`.  The rest of an event that has begun is hidden to its end."""
        pending = bytes(self._pending)
        self._pending.clear()
        self._looked = 0
        done = self._masked(pending)
        self._hiding = self._hiding or bool(pending)
        return done

    finish = flush

    def gap(self) -> None:
        """See `BodyMasker`.  Lines are read again from where they begin behind it."""
        self._hiding = False
        self._at_start = False

    # -- one event -------------------------------------------------------------

    @staticmethod
    def _line_ends(pending: bytearray, at: int, parts: list[bytes]) -> int:
        """Take the ends of lines that stand there; where what follows begins."""
        stop = at
        while stop < len(pending) and pending[stop] in b"\r\n":
            stop += 1
        if stop > at:
            parts.append(bytes(pending[at:stop]))
        return stop

    def _masked(self, event: bytes) -> bytes:
        masked = _NOT_END.sub(b"x", event) if self._hiding else self._event(event)
        self.changed = self.changed or masked != event
        return masked

    def _event(self, event: bytes) -> bytes:
        mark = b""
        if self._at_start and event:
            self._at_start = False
            mark = _BOM if event.startswith(_BOM) else b""
            event = event[len(mark) :]
        start = event.rfind(_BARE_ERROR)
        if start >= 0 and not _VALUE_BEGINS.search(event[:start]) and _is_json(event[start:]):
            error = JsonBody(self._masker, answers=True, failed=True)
            tail = error.feed(event[start:]) + error.finish()
            return mark + self._lines(event[:start]) + tail
        return mark + self._lines(event)

    def _lines(self, event: bytes) -> bytes:
        """An event, masked; one that differs from an earlier one in what it says alone, as that.

        The compiled core takes such itself; without it a copy is made in two thirds of the time.
        """
        said = _SAID.search(event)
        if said is None:
            return self._read(event)
        start, stop = said.span(1)
        masker, frame = self._masker, (event[:start], event[stop:])
        known = masker.frame(frame)
        if known is not None:
            return known[0] + blanked(said[1]) + known[1]
        self._is_json = False
        met, masked = masker.met, self._read(event)
        # In a document that is one, what the quotes hold is a string whatever it says.
        if self._is_json and masker.met == met and masked[start:stop] == blanked(said[1]):
            masker.keep_frame(frame, (masked[:start], masked[stop:]))
        return masked

    def _read(self, event: bytes) -> bytes:
        parts: list[bytes] = []
        values: list[tuple[int, bytes]] = []  # of data: (which part, value)
        name = b""
        for line, end in _LINE.findall(event):
            field, colon, value = line.partition(b":")
            if field not in _FIELDS:
                parts += (_foreign(field, colon, value), end)
                continue
            space = value[:1] if value[:1] == b" " else b""
            value = value[len(space) :]
            parts.append(field + colon + space)
            if field == b"data":
                values.append((len(parts), value))
            elif field == b"event":
                name = value
                value = self._name(value)
            elif field != b"retry" or not (value.isdigit() and len(value) < 9):
                value = blanked(value)
            parts += (value, end)
        shown = self._data([value for _, value in values], name)
        for (part, _), value in zip(values, shown, strict=True):
            parts[part] = value
        return b"".join(parts)

    def _name(self, value: bytes) -> bytes:
        """The name of an event, as it may stand."""
        shown = granted(self._masker, value, EVENT) or b"x" * len(value)
        if shown == value and value != b"error":  # that of an error says something of its data
            self._masker.know(KNOWN_EVENT, value)
        return shown

    def _data(self, values: list[bytes], name: bytes) -> list[bytes]:
        """The values of an event's `data` fields, which are one text."""
        text = b"\n".join(values)
        if not text or text.strip(b" ") == _DONE:
            return values
        document = JsonBody(self._masker, answers=True, failed=name == b"error")
        shown = document.feed(text) + document.finish()
        self._is_json = not document.is_broken
        parts: list[bytes] = []
        at = 0
        for value in values:
            parts.append(shown[at : at + len(value)])
            at += len(value) + 1
        return parts


def _foreign(field: bytes, colon: bytes, value: bytes) -> bytes:
    """A comment, or a line that is no field: hidden, and damaged if it was (`protocols/sse.py`)."""
    if not field:
        return colon + blanked(value)
    damaged = not colon or _NAME.fullmatch(field) is None or value.lstrip()[:1] in (b"{", b"[")
    if damaged:
        return b"x" * (len(field) + len(colon) + len(value))
    return b"x" * len(field) + colon + b"x" * len(value)


def _is_json(data: bytes) -> bool:
    try:
        parse_json(data)
    except ValueError:
        return False
    return True
