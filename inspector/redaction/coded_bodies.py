"""Compressed bodies in a copy: undone, masked as any body, and coded anew in the same room.

What cannot be coded anew (`zstd`, several codings, a coding that is
damaged from there on, a text that finds no room) is hidden.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from inspector.protocols.content import Decoder
from inspector.redaction.blanks import BodyMasker
from inspector.redaction.recoding import Recoder

#: Decoded bytes of one body; a longer one is hidden from there on.
DECODED_LIMIT: Final = 64 << 20
#: Names of the codings -> the form in which they are coded anew; deflate's is told by two bytes.
FORMS: Final = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate", "br": "br"}

#: The body is not coded at all (`protocols/content.py`).
_PLAIN: Final = "content-encoding-mismatch"


class CodedBody:
    """Hides what `inner` hides of the text of one body in the coding `name`, one of `FORMS`."""

    def __init__(self, name: str, inner: BodyMasker) -> None:
        self.changed = False
        self._name = name
        self._inner = inner
        self._decoder = Decoder(name, DECODED_LIMIT)
        self._pieces: deque[tuple[bytes, bytes]] = deque()  # (coded, text) that wait for masks
        self._masked = bytearray()
        self._start = b""
        self._recoder: Recoder | None = None
        self._plain = self._hiding = self._proven = False

    def feed(self, data: bytes) -> bytes:
        """See `BodyMasker`."""
        if self._plain:
            return self._inner.feed(data)
        if self._hiding:
            return self._hidden(data)
        self._start = (self._start + data)[:2] if len(self._start) < 2 else self._start
        return self._took(data, self._decoder.feed([(0, 0, data)]))

    def flush(self) -> bytes:
        """See `BodyMasker`."""
        if self._plain:
            return self._inner.flush()
        if self._hiding:
            return b""
        self._masked += self._inner.flush()
        out = self._settle()
        if self._recoder is not None:
            return out + self._recoder.force()
        if self._pieces:
            self._hiding = True  # nobody can tell what it was, and begin in its midst
        return out + self._hide_pieces()

    def finish(self) -> bytes:
        """See `BodyMasker`."""
        out = b""
        if not self._plain and not self._hiding:
            out = self._took(b"", self._decoder.finish())
        if self._plain:
            self.changed = True
            return out + self._inner.finish()
        if self._hiding:
            return out
        self._masked += self._inner.finish()
        out += self._settle()
        if self._recoder is None:
            return out + self._hide_pieces()
        if not self._decoder.finished:
            return out + self._recoder.force()
        end = self._recoder.end()
        return out + (self._recoder.hide() if end is None else end)

    def gap(self) -> None:
        """See `BodyMasker`.  A coding cannot be followed past it."""
        if self._plain:
            self._inner.gap()
        else:
            self._hiding = True

    # -- pieces ------------------------------------------------------------------

    def _took(self, data: bytes, decoded: list[tuple[int, int, bytes]]) -> bytes:
        text = b"".join(part for _, _, part in decoded)
        fault = self._decoder.fault
        if fault == _PLAIN:
            return self._is_plain(data)
        self._pieces.append((data, text))
        if text:
            self._proven = True
            self._masked += self._inner.feed(text)
        if fault is None:
            return self._settle()
        # Damaged, or too much, from here on.
        self._masked += self._inner.flush()
        out = self._settle()
        self._hiding = True
        if self._recoder is not None:
            out += self._recoder.hide()
        return out + self._hide_pieces()

    def _is_plain(self, data: bytes) -> bytes:
        self._plain = self.changed = True
        held = b"".join(coded for coded, _ in self._pieces)
        self._pieces.clear()
        return self._inner.feed(held + data)

    def _settle(self) -> bytes:
        """Code the pieces whose text is masked."""
        out = bytearray()
        while self._pieces and len(self._masked) >= len(self._pieces[0][1]):
            coded, text = self._pieces[0]
            if not self._proven:
                break  # nothing tells yet that it is coded
            if self._recoder is None:
                self._recoder = Recoder(self._form())
            self._pieces.popleft()
            masked = bytes(self._masked[: len(text)])
            del self._masked[: len(text)]
            self.changed = True
            out += self._recoder.add(len(coded), masked)
        return bytes(out)

    def _form(self) -> str:
        form = FORMS[self._name]
        if form == "deflate" and _is_zlib(self._start):
            return "zlib"
        return form

    def _hide_pieces(self) -> bytes:
        hidden = b"".join(self._hidden(coded) for coded, _ in self._pieces)
        self._pieces.clear()
        return hidden

    def _hidden(self, data: bytes) -> bytes:
        self.changed = self.changed or bool(data)
        return b"x" * len(data)


def _is_zlib(start: bytes) -> bool:
    """Whether a body in `deflate` has the wrapper of RFC 1950 (`protocols/content_codecs.py`)."""
    return (
        len(start) == 2
        and start[0] & 0x0F == 8
        and start[0] <= 0x78
        and (start[0] << 8 | start[1]) % 31 == 0
    )
