"""`Vault`: what is known of the credentials of a capture, and the search for pieces of them.

One of a run: what the report's reader has learnt the redacted copy's writer hides, and the other
way round.

A key is kept as the set of all its windows of eight bytes, in lower case.  A
text is looked at as aligned words of eight bytes at two phases: any piece of
twelve bytes holds one of them.  So learning a key costs its
length, and searching costs the length of the text, however many keys there are
(measured: 10,000 keys of 40 bytes learnt in 0.1 s, 100 kB searched in 1.5 ms,
with one key and with 10,000); and an echo that is cut at either end, by the end
of a packet or of the capture, is found as well as a whole one.

Of a key of more than `LONG` bytes (a ticket, a jar of cookies) every fifth
window is kept, and texts are then looked at at every phase: a piece of twelve
bytes holds one of these, too, and what was found is compared with the key.

Most texts hold no key and come again and again (field names, media types, programs).  A short one
that was found clear is remembered, and so are the words of all its writings: it stays clear until
a key is learnt that has one of them (`is_clear`).

Bounded: beyond `WINDOWS_LIMIT` nothing more is learnt, and the vault says that
it `is_full`.  Whoever writes text then writes none that could hold a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final, NoReturn

from inspector.secret import Secret
from inspector.secrets.grammar import merged
from inspector.secrets.public import is_mask, is_prose, is_public
from inspector.secrets.windows import (
    PIECE,
    WIDTH,
    Windows,
    last_filled,
)

#: Windows of eight bytes of learnt keys, some 12 bytes of memory each (75 without the compiled
#: core): 13,000 keys of 40 bytes, or 320 of 8 KB.  Beyond it free text is not written.
WINDOWS_LIMIT: Final = 1 << 19
#: What masks are filled with.
_FILL: Final = b"xX"
#: Shorter keys are known as a whole, if they have letters and digits: words occur by themselves.
SHORT: Final = 8
#: Of longer keys every fifth window is kept.
LONG: Final = 1024

_WIDTH: Final = WIDTH
#: Bytes of a key that BLAKE2b takes (RFC 7693 2.1).
_LONGEST_KEY: Final = 64
#: A piece has so many windows, and one of them is kept.
_STEP: Final = PIECE - _WIDTH + 1
#: Looks into long keys, to tell a piece of twelve bytes from a window that some other text has,
#: too; without one any window counts.  Of one window so many places are looked at.
_COMPARED: Final = 20_000
_PLACES: Final = 16
#: Texts that are remembered to be clear, the longest of them, and words of all: a few MB together.
_CLEAR: Final = 4096
CLEAR_TEXT: Final = 256
_CLEAR_WORDS: Final = 1 << 16


class Vault:
    """The windows of every learnt key.  It shows, copies and serialises nothing of them."""

    __slots__ = (
        "_apart",
        "_clear",
        "_clear_words",
        "_cleared",
        "_compared",
        "_keyed",
        "_knows_fill",
        "_knows_masks",
        "_lengths",
        "_long",
        "_long_windows",
        "_newest",
        "_whole",
        "_windows",
        "epoch",
        "generation",
        "is_full",
    )

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key[:_LONGEST_KEY], digest_size=_WIDTH)
        self._windows = Windows(folds=True)
        #: Keyed digests of the keys, eight bytes each: one that is met whole is told from a piece.
        self._whole = Windows()
        self._lengths: set[int] = set()
        self._knows_masks = False  # a key is known that looks like a mask
        self._knows_fill = False  # one that is nothing but what masks are filled with
        #: Long keys, one behind another and apart, and every fifth of their windows.
        self._long = bytearray()
        self._long_windows = Windows(folds=True)
        self._newest = 0
        self._compared = 0
        #: Texts are looked at every so many bytes.
        self._apart = _WIDTH // 2
        #: Short texts with no word of a key, and their words, at the phases of now.
        self._clear: set[bytes] = set()
        self._clear_words = Windows()
        #: What others made of texts that are clear.
        self._cleared: list[dict[Any, Any]] = []
        #: Grows with every key: what was written under an older one may hold a newer key.
        self.generation = 0
        #: Grows when texts that were remembered to be clear may be so no more (`is_clear`).
        self.epoch = 0
        self.is_full = False

    def __len__(self) -> int:
        """Keys that are known."""
        return len(self._whole)

    def __bool__(self) -> bool:
        return self.generation > 0

    def learn(self, secret: Secret) -> bool:
        """Know a key from now on.

        False if it was known, or is no secret: too short, public words, or sentences.
        """
        value = secret.reveal()
        if len(value) < PIECE and not _is_short_key(value):
            return False
        digest = self._digest(value)
        if self.is_full or self._whole.stands_at(digest, 0) or is_public(value) or is_prose(value):
            return False
        low = value.lower()
        if not self._has_room(low):
            self.is_full = True
            self._forget_clear()
            self.generation += 1
            return False
        if self._long and self._long.find(low, self._newest) >= 0:
            pass  # a part of the long key before it: its pieces are known
        elif len(low) > LONG:
            if not self._long:
                self._forget_clear()  # texts are looked at at every phase from now on
            self._newest = len(self._long)
            self._long += b"\0" + low
            self._long_windows.add(low, _STEP)
            self._long_windows.add(low[-_WIDTH:])
            self._take_back(low)
        else:
            self._windows.add(low)
            self._take_back(low)
        self._whole.add(digest)
        self._knows_masks = self._knows_masks or is_mask(value)
        self._knows_fill = self._knows_fill or not value.strip(_FILL)
        self._lengths.add(len(value))
        if len(value) < PIECE:
            self._apart = 1
            self._forget_clear()
        self.generation += 1
        return True

    def _take_back(self, low: bytes) -> None:
        """Of a key learnt now a text that was clear may hold a piece."""
        if self._clear_words.stand_in(low, 1):
            self._forget_clear()

    def _forget_clear(self) -> None:
        self._clear.clear()
        self._clear_words = Windows()
        for memory in self._cleared:
            memory.clear()
        self.epoch += 1

    def _has_room(self, low: bytes) -> bool:
        more = len(low) if len(low) <= LONG else len(low) // _STEP + 1
        return len(self._windows) + len(self._long_windows) + more <= WINDOWS_LIMIT

    def knows(self, piece: bytes) -> bool:
        """Whether a piece of text is a key, whole and alone."""
        return len(piece) in self._lengths and self._whole.stands_at(self._digest(piece), 0)

    def whole(self, text: bytes, start: int, stop: int) -> tuple[int, int] | None:
        """The place of a whole key in a span that fits it but for a few bytes at its ends.

        A window of another key may run on across them, as `=` before a cookie's value.
        """
        for first in range(start, min(start + _WIDTH, stop)):
            for last in range(stop, max(stop - _WIDTH, first), -1):
                if last - first in self._lengths and self.knows(text[first:last]):
                    return first, last
        return None

    def is_clear(self, text: bytes, writings: Callable[[bytes], Iterable[bytes]]) -> bool:
        """Whether `spans` is empty for each of a text's `writings`; False: it has to be asked.

        `writings` depend on the text alone.  A short one that is clear is not looked at again
        until a key is learnt that has a word of it, or of another that is remembered.
        """
        if text in self._clear:
            return True
        lows = [writing.lower() for writing in writings(text)]
        if len(text) > CLEAR_TEXT:
            return not any(map(self.may_hold, lows))
        apart = 1 if self._long else self._apart
        for low in lows:
            if self._windows.stand_in(low, apart) or (
                self._long and self._long_windows.stand_in(low, apart)
            ):
                return False
        if len(self._clear) >= _CLEAR or len(self._clear_words) >= _CLEAR_WORDS:
            self._forget_clear()
        self._clear.add(text)
        for low in lows:
            self._clear_words.add(low, apart)
        return True

    def stamp(self, text: bytes) -> int:
        """How long that holds which was made of a text just now: as long as `holds` says so.

        What was made of one that is remembered to be clear outlasts keys that are learnt; one
        with no room for a window is clear of all.
        """
        is_clear = text in self._clear or len(text) < _WIDTH
        return -1 - self.epoch if is_clear else self.generation

    def holds(self, stamp: int) -> bool:
        """Whether what was made then would be made of the same text now."""
        return stamp == self.generation or stamp == -1 - self.epoch

    def lasts(self, stamp: int) -> bool:
        """Whether that holds until the `epoch` changes, whatever keys are learnt."""
        return stamp == -1 - self.epoch

    def clears(self, memory: dict[Any, Any]) -> None:
        """Clear that whenever the `epoch` changes: what is in it `lasts` until then."""
        self._cleared.append(memory)

    def may_hold(self, text: bytes) -> bool:
        """Whether a window of a key stands in a text: without one no piece does.

        Said of many texts put together for a fraction of what `finds` costs for each.
        """
        return self._windows.stand_in(text, self._apart, but_fill=not self._knows_fill) or (
            bool(self._long_windows) and self._long_windows.stand_in(text, 1)
        )

    def finds(self, text: bytes) -> bool:
        """Whether a piece of a key stands in a text."""
        return bool(self.spans(text))

    def spans(self, text: bytes) -> list[tuple[int, int]]:
        """Where pieces of keys stand in a text, in order and apart."""
        if len(text) < _WIDTH:
            return []
        found = [
            (start, stop)
            for start, stop in _runs(
                text, self._windows, self._apart, 1, but_fill=not self._knows_fill
            )
            if self._is_piece(text[start:stop])
        ]
        if self._long:
            low = text.lower()
            for start, stop in _runs(low, self._long_windows, 1, _STEP):
                if self._compared < _COMPARED:
                    start, stop = self._grown(low, start, stop)
                else:
                    start, stop = max(0, start - _STEP + 1), min(len(low), stop + _STEP - 1)
                if self._is_piece(text[start:stop]):
                    found.append((start, stop))
        return merged(found)

    def _grown(self, low: bytes, start: int, stop: int) -> tuple[int, int]:
        """A run of windows of long keys, with what stands beside it in the key as well."""
        before = behind = 0
        for at in self._places(low[start : start + _WIDTH]):
            before = max(before, _alike(low, start - 1, self._long, at - 1, -1))
        for at in self._places(low[stop - _WIDTH : stop]):
            behind = max(behind, _alike(low, stop, self._long, at + _WIDTH, 1))
        return start - before, stop + behind

    def _places(self, window: bytes) -> Iterator[int]:
        """Where a window stands in the long keys: the first places, and not without end."""
        at = -1
        for _ in range(_PLACES):
            if self._compared >= _COMPARED:
                return
            self._compared += 1
            at = self._long.find(window, at + 1)
            if at < 0:
                return
            yield at

    def _is_piece(self, piece: bytes) -> bool:
        if is_mask(piece) and not self._knows_masks:
            return False
        if len(piece) < PIECE or is_mask(piece):
            # All masks of a redacted capture are pieces of each other.
            return self.whole(piece, 0, len(piece)) is not None
        # Beside what everyone knows a mask is none, whatever letters the key has there.
        return not is_public(piece) and not is_public(piece.strip(_FILL))

    def _digest(self, value: bytes) -> bytes:
        made = self._keyed.copy()
        made.update(value)
        return made.digest()

    def __repr__(self) -> str:
        return f"<Vault {len(self._whole)} keys>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Vault is neither copied nor serialised")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Vault is neither copied nor serialised")


def _runs(
    text: bytes, windows: Windows, apart: int, step: int, *, but_fill: bool = False
) -> Iterator[tuple[int, int]]:
    """Where windows stand in a text, those at most `step` apart together.

    `but_fill`: what is nothing but what masks are filled with may be left out (`Windows.places`).
    """
    seen = 0
    for hit in windows.places(text, apart, but_fill=but_fill):
        if hit < seen:
            continue
        first, last = hit, hit
        while (before := _near(text, first, windows, -step)) is not None:
            first = before
        while (behind := _near(text, last, windows, step)) is not None:
            last = last_filled(text, behind)
        seen = last + 1
        yield first, last + _WIDTH


def _near(text: bytes, at: int, windows: Windows, step: int) -> int | None:
    """The next window before or behind one, at most `step` away."""
    way = 1 if step > 0 else -1
    for place in range(at + way, at + step + way, way):
        if 0 <= place <= len(text) - _WIDTH and windows.stands_at(text, place):
            return place
    return None


def _alike(low: bytes, at: int, known: bytearray, there: int, way: int) -> int:
    """How many bytes from here on are those of a key from there on, at most a step."""
    count = 0
    while (
        count < _STEP - 1
        and 0 <= at < len(low)
        and 0 <= there < len(known)
        and low[at] == known[there]
    ):
        count, at, there = count + 1, at + way, there + way
    return count


def _is_short_key(value: bytes) -> bool:
    return (
        len(value) >= SHORT
        and any(48 <= byte < 58 for byte in value)
        and any(chr(byte).isalpha() for byte in value)
    )
