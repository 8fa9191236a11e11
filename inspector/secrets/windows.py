"""The windows of keys: words of eight bytes, and where in a text one of them stands.

Texts are looked at word by word, and nearly none is a window.  The compiled core says so of a
whole text at once, by three bits that each window has in a table; what it takes for one is looked
up here.  Without it all words of a text are looked up.
"""

from __future__ import annotations

import ctypes
import re
from array import array
from collections.abc import Iterable, Iterator, Set
from typing import Final, NoReturn

from inspector.native.functions import Core
from inspector.native.layout import Sieve
from inspector.native.used import USED

#: Bytes of a window.
WIDTH: Final = 8
#: A window of what masks are filled with, in lower case; and a run of that.
FILL: Final = int.from_bytes(b"x" * WIDTH, "little")
_FILLED: Final = re.compile(rb"x*")
#: So many words are each looked for in a text: mostly it is one, of a documented prefix.
_FEW: Final = 16
#: Bits of the table for each window: one word in 1,200 is taken for one that is none.
_BITS: Final = 32
_SMALLEST: Final = 15


class Windows:
    """A set of windows, as integers.  It shows and serialises nothing of them."""

    __slots__ = ("_core", "_sieve", "_sown", "_table", "_words")

    def __init__(self) -> None:
        self._words: set[int] = set()
        #: The core that the table is for, and how many windows have room in it.
        self._core: Core | None = None
        self._sown = 0
        self._sieve = Sieve()
        self._table: ctypes.Array[ctypes.c_uint64] | None = None

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, word: int) -> bool:
        return word in self._words

    def isdisjoint(self, words: Iterable[int]) -> bool:
        """Whether none of these words is a window."""
        return self._words.isdisjoint(words)

    def add(self, words: Set[int]) -> None:
        """Some more windows."""
        self._words |= words
        if self._core is not None:
            self._sow(words)

    def stand_in(self, low: bytes, apart: int, *, but_fill: bool = False) -> bool:
        """Whether a window stands in a text, at a place that is a multiple of `apart` (1 or 4).

        `but_fill`: as in `places`.
        """
        if self._compiled() is not None:
            return next(self._sifted(low, apart, but_fill), None) is not None
        if but_fill and FILL in self._words:
            return bool(self.places(low, apart, but_fill=True))
        return not all(self._words.isdisjoint(words(low, at)) for at in range(0, WIDTH, apart))

    def places(self, low: bytes, apart: int, *, but_fill: bool = False) -> list[int]:
        """Where windows stand in a text, at places that are multiples of `apart`, in order.

        Of those in one run of what masks are filled with the first alone: a copy is full of them.
        `but_fill`: and none if nothing else of a key stands there, as most of them have it.
        """
        if self._compiled() is not None:
            return list(self._sifted(low, apart, but_fill))
        found = self._looked_up(low, apart)
        if FILL not in self._words:
            return found
        found = _without_fill(low, found)
        return [at for at in found if not (but_fill and self._is_fill_alone(low, at))]

    def _is_fill_alone(self, low: bytes, at: int) -> bool:
        """Whether no window reaches over the ends of the run of fill that one is in."""
        if word_at(low, at) != FILL:
            return False
        begin, end = len(low[:at].rstrip(b"x")), fill_end(low, at)
        reaching = (begin - 1, end - WIDTH + 1)
        return not any(
            0 <= place <= len(low) - WIDTH and word_at(low, place) in self._words
            for place in reaching
        )

    def _looked_up(self, low: bytes, apart: int) -> list[int]:
        looked = [(phase, words(low, phase)) for phase in range(0, WIDTH, apart)]
        met = set[int]().union(*(self._words.intersection(each) for _, each in looked))
        if len(met) > _FEW:
            return sorted(
                at * WIDTH + phase
                for phase, each in looked
                for at, word in enumerate(each)
                if word in met
            )
        return sorted(at for word in met for at in _each(low, word, apart) if at % apart == 0)

    # -- by the compiled core -----------------------------------------------------

    def _compiled(self) -> Core | None:
        core = USED.core
        if core is not self._core:
            self._core = core
            self._sown = 0
            if core is not None:
                self._sow(self._words)
        return core

    def _sow(self, words: Set[int]) -> None:
        """Enter windows into the table; into a larger one, and all of them, if it gets too full."""
        core, sieve = self._core, self._sieve
        assert core is not None
        if len(self._words) > self._sown:
            log = max(_SMALLEST, (2 * len(self._words) * _BITS - 1).bit_length())
            self._sown = (1 << log) // _BITS
            table = self._table = (ctypes.c_uint64 * (1 << log - 6))()
            sieve.bits, sieve.log = ctypes.addressof(table), log
            first, second = core.seed
            sieve.factors[:] = first | 1, second | 1, (first ^ second >> 1) | 1
            words = self._words
        packed = array("Q", words)
        core.sow(sieve, packed.buffer_info()[0], len(packed))

    def _sifted(self, low: bytes, apart: int, but_fill: bool) -> Iterator[int]:
        core, sieve = self._core, self._sieve
        assert core is not None
        sift, size, known = core.sift, len(low), self._words
        fill = FILL if but_fill else 0
        at: int = sift(sieve, low, size, apart, 0, fill)
        while at >= 0:
            word = word_at(low, at)
            following = at + apart
            if word in known:
                if not (but_fill and self._is_fill_alone(low, at)):
                    yield at
                if word == FILL:  # as are all up to its end
                    following = max(following, -(-(fill_end(low, at) - WIDTH + 1) // apart) * apart)
            at = sift(sieve, low, size, apart, following, fill)

    def __repr__(self) -> str:
        return f"<Windows {len(self._words)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Windows are neither copied nor serialised")


def fill_end(low: bytes, at: int) -> int:
    """Where what masks are filled with ends, from a place on."""
    match = _FILLED.match(low, at)
    assert match is not None
    return match.end()


def words(low: bytes, phase: int) -> memoryview:
    """The words of a text from `phase` on, as integers."""
    count = max(0, len(low) - phase) // WIDTH
    return memoryview(low)[phase : phase + count * WIDTH].cast("Q")


def all_words(texts: Iterable[bytes], apart: int) -> memoryview:
    """The words of some texts at places that are multiples of `apart`, phase after phase."""
    aligned = [
        text[phase : phase + (len(text) - phase) // WIDTH * WIDTH]
        for text in texts
        for phase in range(0, WIDTH, apart)
    ]
    return memoryview(b"".join(aligned)).cast("Q")


def word_at(low: bytes, at: int) -> int:
    """The word that begins there."""
    word: int = memoryview(low)[at : at + WIDTH].cast("Q")[0]
    return word


def _without_fill(low: bytes, places: Iterable[int]) -> list[int]:
    found: list[int] = []
    filled = 0
    for at in places:
        if at + WIDTH <= filled:
            continue
        found.append(at)
        if word_at(low, at) == FILL:
            filled = fill_end(low, at)
    return found


def _each(low: bytes, word: int, apart: int) -> Iterator[int]:
    """Every place where a word stands; of a run of fill two, of which one is its first."""
    wanted = array("Q", (word,)).tobytes()
    at = low.find(wanted)
    while at >= 0:
        yield at
        if word == FILL:
            end, first = fill_end(low, at), -(-at // apart) * apart
            if at < first <= end - WIDTH:
                yield first
            at = end - WIDTH
        at = low.find(wanted, at + 1)
