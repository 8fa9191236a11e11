"""Bodies that are kept (`--keep-bodies`): what looks like a key, or was met as one, is masked.

Text is searched in windows, for lines that are credential headers and everywhere for the
shapes of keys.  A body is kept as far as it is text: what is none may be coded, and hold
anything.  A coded body stays as it is if all of it was undone, is text, and nothing is found
there; else it is hidden, for no key can be hidden in coded bytes.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable
from typing import Final

from inspector.credentials.masking import Masker
from inspector.protocols.content import Decoder
from inspector.regex import regex

#: Text is searched in windows of this size; what a pattern may need to see behind it is
#: kept back, and before it shown again.
WINDOW: Final = 16 << 10
KEPT_BACK: Final = 2 << 10
CONTEXT: Final = 512
#: The rest of a key behind a gap is no longer than this.
LONGEST_REST: Final = 4 << 10
#: A coded body is kept whole up to this size, to be hidden as a whole.
CODED_LIMIT: Final = 1 << 20
#: Decoded bytes looked at in one coded body, a bomb limit.
DECODED_LIMIT: Final = 64 << 20

_LINE: Final = regex(r"[^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*[\r\n]*")
_FIELD: Final = regex(r"([ \t]*[^:\r\n\"'{}]{1,64}?(?:\r\n[ \t]+)?[ \t]*:)(.*)", re.DOTALL)
_REST: Final = regex(rb"[\w\-+/=.~%*]*")
#: User information whose end, and what announces it, is behind a gap.
_CUT_USERINFO: Final = regex(r"//([^/\s@?#<>\"']+)\Z")
#: The body is not coded at all.
_PLAIN: Final = "content-encoding-mismatch"

#: Characters of no text: of what is coded or binary.
_CONTROL: Final = regex(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: A gap may leave so many bytes of a character, all of this kind (RFC 3629 3).
_CONTINUED: Final = 3
_CONTINUES: Final = range(0x80, 0xC0)


class _Text:
    """Tells how far bytes are text: UTF-8 without control characters."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._cut = 0  # bytes that may still be the end of a character whose start is lost

    def reach(self, data: bytes) -> int:
        """How many of the next bytes are."""
        start = 0
        while start < len(data) and self._cut and data[start] in _CONTINUES:
            self._cut -= 1
            start += 1
        if start < len(data):
            self._cut = 0
        control = _CONTROL.search(data, start)
        stop = len(data) if control is None else control.start()
        before = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(data[start:stop])
        except UnicodeDecodeError as error:
            return max(0, start + error.start - before)
        return stop

    def gap(self) -> None:
        """The next bytes may begin within a character."""
        self._decoder.reset()
        self._cut = _CONTINUED


class KeptText:
    """Masks the keys in a text (a `bodies.BodyMasker`), and hides what follows when it is none.

    `told` is given the reason, one of `RedactionSummary`, when something is hidden as a whole.
    """

    def __init__(self, masker: Masker, told: Callable[[str], None]) -> None:
        self.changed = False
        self._masker = masker
        self._told = told
        self._text = _Text()
        self._hiding = False
        self._pending = b""
        self._seen = ""  # the end of what was searched before, masked
        self._rest_left = 0

    def feed(self, data: bytes) -> bytes:
        """See `bodies.BodyMasker`."""
        if self._hiding:
            return b"x" * len(data)
        reach = self._text.reach(data)
        if reach == len(data):
            return self._take(data)
        out = self._take(data[:reach]) + self.flush()
        self._hiding = self.changed = True
        self._told("unreadable")
        return out + b"x" * (len(data) - reach)

    def _take(self, data: bytes) -> bytes:
        out = b""
        if self._rest_left:
            # What a gap cut from a key has lost the shape it is known by.
            rest = _REST.match(data)
            size = 0 if rest is None else min(rest.end(), self._rest_left)
            out = b"x" * size
            self.changed = self.changed or size > 0
            self._rest_left = self._rest_left - size if size == len(data) else 0
            data = data[size:]
        self._pending += data
        return out + (self._search() if len(self._pending) > WINDOW else b"")

    def flush(self) -> bytes:
        """See `bodies.BodyMasker`."""
        return self._search(everything=True)

    finish = flush

    def gap(self) -> None:
        """See `bodies.BodyMasker`."""
        self._seen = ""
        self._rest_left = LONGEST_REST
        self._text.gap()

    def _search(self, *, everything: bool = False) -> bytes:
        """Mask the text; unless `everything`, hold back its end, which a key may continue."""
        before, new = self._seen, self._pending.decode("latin-1")
        text = before + new
        masked = self._masked(text)
        cut = len(text)
        if everything:
            masked = _without_cut_user(text, masked)
        else:
            cut -= KEPT_BACK
            low = cut
            while low > len(before) and masked[low - 1] != text[low - 1]:
                low -= 1  # not within something that may go on behind what is here
            cut = low if low > len(before) else cut
        out = masked[len(before) : cut]
        self.changed = self.changed or out != text[len(before) : cut]
        self._pending = self._pending[len(out) :]
        self._seen = masked[max(0, cut - CONTEXT) : cut]
        return out.encode("latin-1")

    def _masked(self, text: str) -> str:
        """Free text in which credential headers may stand as lines."""
        masker = self._masker
        masked = masker.text(text)
        if not masker.names_a_header(masked):
            return masked
        parts = []
        for line in _LINE.findall(masked):
            field = _FIELD.match(line)
            if field and masker.is_position(field[1][:-1]):
                line = field[1] + masker.field(field[1][:-1].strip(), field[2])
            parts.append(line)
        return "".join(parts)


def _without_cut_user(text: str, masked: str) -> str:
    """User information at the very end is hidden: what tells it may be behind a gap."""
    cut = _CUT_USERINFO.search(text, max(0, len(text) - CONTEXT))
    if cut is None:
        return masked
    start, stop = cut.span(1)
    return masked[:start] + "x" * (stop - start) + masked[stop:]


class KeptCoded:
    """Keeps a body in the codings `names` if no key is in its text (a `bodies.BodyMasker`).

    `told`: see `KeptText`.
    """

    def __init__(self, names: str, masker: Masker, told: Callable[[str], None]) -> None:
        self.changed = False
        self._masker = masker
        self._told = told
        self._decoder = Decoder(names, DECODED_LIMIT)
        self._plain: KeptText | None = None
        self._text = _Text()
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._seen = self._seen_coded = ""
        self._hiding = False

    def feed(self, data: bytes) -> bytes:
        """See `bodies.BodyMasker`."""
        if self._plain is not None:
            return self._of_plain(self._plain.feed(data))
        if self._hiding:
            return b"x" * len(data)
        self._held.append(data)
        self._held_bytes += len(data)
        decoded = b"".join([part for _, _, part in self._decoder.feed([(0, 0, data)])])
        hidden = self._looked_at(data, decoded)
        if hidden is not None:
            return hidden
        out = b""
        while self._held_bytes > CODED_LIMIT:  # what was looked at, and found clean
            first = self._held.popleft()
            self._held_bytes -= len(first)
            out += first
        return out

    def flush(self) -> bytes:
        """See `bodies.BodyMasker`.  What the decoder keeps to itself was not looked at."""
        if self._plain is not None:
            return self._of_plain(self._plain.flush())
        return self._hide("unreadable") if self._held and not self._hiding else b""

    def finish(self) -> bytes:
        """See `bodies.BodyMasker`.  Of a coding without its end not all was undone."""
        if self._plain is not None or self._hiding:
            return self.flush()
        rest = b"".join([part for _, _, part in self._decoder.finish()])
        hidden = self._looked_at(b"", rest)
        if hidden is not None:
            return hidden + self.flush()
        return self._take() if self._decoder.finished else self.flush()

    def gap(self) -> None:
        """See `bodies.BodyMasker`.  A coding cannot be followed past it."""
        if self._plain is not None:
            self._plain.gap()
        else:
            self._hiding = True

    def _looked_at(self, data: bytes, decoded: bytes) -> bytes | None:
        """What is shown of all that is held when it is hidden, or no coding; None: go on."""
        fault = self._decoder.fault
        if fault == _PLAIN:
            self._plain = KeptText(self._masker, self._told)
            return self._of_plain(self._plain.feed(self._take()))
        if self._holds_a_key(data, decoded):
            return self._hide("compressed")
        if fault is not None or self._text.reach(decoded) < len(decoded):
            return self._hide("unreadable")
        return None

    def _holds_a_key(self, data: bytes, decoded: bytes) -> bool:
        """Whether there is one in the text, or beside it: a coding has room for names."""
        text = self._seen + decoded.decode("latin-1")
        self._seen = text[-KEPT_BACK:]
        coded = self._seen_coded + data.decode("latin-1")
        self._seen_coded = coded[-KEPT_BACK:]
        return any(self._masker.text(each) != each for each in (text, coded))

    def _hide(self, why: str) -> bytes:
        self._hiding = self.changed = True
        self._told(why)
        return b"x" * len(self._take())

    def _of_plain(self, shown: bytes) -> bytes:
        self.changed = self.changed or (self._plain is not None and self._plain.changed)
        return shown

    def _take(self) -> bytes:
        held = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return held
