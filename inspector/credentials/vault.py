"""`Vault`: what is known of the credentials of a capture, and the search for pieces of them.

A key is kept as the set of all its windows of eight bytes, as integers and in
lower case.  A text is looked at as aligned words of eight bytes at two phases:
any piece of twelve bytes holds one of them.  So learning a key costs its
length, and searching costs the length of the text, however many keys there are
(measured: 10,000 keys of 40 bytes learnt in 0.1 s, 100 kB searched in 1.5 ms,
with one key and with 10,000); and an echo that is cut at either end, by the end
of a packet or of the capture, is found as well as a whole one.

Bounded: beyond `WINDOWS_LIMIT` nothing more is learnt, and the vault says that
it `is_full`.  Whoever writes text then writes none that could hold a key.
"""

from __future__ import annotations

import hmac
from typing import Final, NoReturn

from inspector.credentials.public import is_mask, is_public
from inspector.secret import Secret

#: Windows of eight bytes of learnt keys, about 75 bytes of memory each: 13,000 keys of 40 bytes.
#: Beyond it free text is not written.
WINDOWS_LIMIT: Final = 1 << 19
#: The shortest piece of a key that is found, in bytes; and the shortest key that is learnt.
PIECE: Final = 12
#: Shorter keys are known as a whole, if they have letters and digits: words occur by themselves.
SHORT: Final = 8

_WIDTH: Final = 8
_DIGEST: Final = 16


class Vault:
    """The windows of every learnt key.  It shows, copies and serialises nothing of them."""

    __slots__ = ("_key", "_lengths", "_names", "_phases", "_windows", "generation", "is_full")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._windows: set[int] = set()
        #: What stands for a key that is met whole, by a keyed digest of it.
        self._names: dict[bytes, str] = {}
        self._lengths: set[int] = set()
        self._phases: tuple[int, ...] = (0, _WIDTH // 2)
        #: Grows with every key: what was written under an older one may hold a newer key.
        self.generation = 0
        self.is_full = False

    def __len__(self) -> int:
        """Keys that are known."""
        return len(self._names)

    def __bool__(self) -> bool:
        return bool(self._windows) or self.is_full

    def learn(self, secret: Secret, name: str = "") -> bool:
        """Know a key from now on, and write `name` where it is met whole.

        False if it was known, or is no secret: too short, or public words.
        """
        value = secret.reveal()
        if len(value) < PIECE and not _is_short_key(value):
            return False
        digest = self._digest(value)
        if self.is_full or digest in self._names or is_public(value):
            return False
        low = value.lower()
        if len(self._windows) + len(low) > WINDOWS_LIMIT:
            self.is_full = True
            self.generation += 1
            return False
        for phase in range(_WIDTH):
            self._windows.update(_words(low, phase))
        self._names[digest] = name
        self._lengths.add(len(value))
        if len(value) < PIECE:
            self._phases = tuple(range(_WIDTH))
        self.generation += 1
        return True

    def name(self, piece: bytes) -> str | None:
        """What was to be written for this very key; None if it is none."""
        return self._names.get(self._digest(piece)) if len(piece) in self._lengths else None

    def whole(self, text: bytes, start: int, stop: int) -> tuple[int, int] | None:
        """The place of a whole key in a span that fits it but for a few bytes at its ends.

        A window of another key may run on across them, as `=` before a cookie's value.
        """
        for first in range(start, min(start + _WIDTH, stop)):
            for last in range(stop, max(stop - _WIDTH, first), -1):
                if last - first in self._lengths and self.name(text[first:last]) is not None:
                    return first, last
        return None

    def finds(self, text: bytes) -> bool:
        """Whether a piece of a key stands in a text."""
        return bool(self.spans(text))

    def spans(self, text: bytes) -> list[tuple[int, int]]:
        """Where pieces of keys stand in a text, in order and apart."""
        if len(text) < _WIDTH:
            return []
        windows = self._windows
        low = text.lower()
        phases = [(phase, _words(low, phase)) for phase in self._phases]
        if all(windows.isdisjoint(words) for _, words in phases):
            return []
        hits = sorted(
            at * _WIDTH + phase
            for phase, words in phases
            for at, word in enumerate(words)
            if word in windows
        )
        found: list[tuple[int, int]] = []
        seen = 0
        for hit in hits:
            if hit < seen:
                continue
            first = last = hit
            while first > 0 and _word(low, first - 1) in windows:
                first -= 1
            while last + _WIDTH < len(low) and _word(low, last + 1) in windows:
                last += 1
            seen = last + 1
            piece = text[first : last + _WIDTH]
            if self._is_piece(piece):
                found.append((first, last + _WIDTH))
        return _apart(found)

    def _is_piece(self, piece: bytes) -> bool:
        if len(piece) < PIECE or is_mask(piece):
            # All masks of a redacted capture are pieces of each other.
            return self.whole(piece, 0, len(piece)) is not None
        return not is_public(piece)

    def _digest(self, value: bytes) -> bytes:
        return hmac.digest(self._key, value, "sha256")[:_DIGEST]

    def __repr__(self) -> str:
        return f"<Vault {len(self._names)} keys>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Vault is neither copied nor serialised")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Vault is neither copied nor serialised")


def _words(low: bytes, phase: int) -> memoryview:
    """The words of eight bytes of a text from `phase` on, as integers."""
    count = max(0, len(low) - phase) // _WIDTH
    return memoryview(low)[phase : phase + count * _WIDTH].cast("Q")


def _word(low: bytes, at: int) -> int:
    return memoryview(low)[at : at + _WIDTH].cast("Q")[0]


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same places, overlapping ones as one."""
    merged: list[tuple[int, int]] = []
    for start, stop in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _is_short_key(value: bytes) -> bool:
    return (
        len(value) >= SHORT
        and any(48 <= byte < 58 for byte in value)
        and any(chr(byte).isalpha() for byte in value)
    )
