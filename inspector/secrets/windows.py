"""The windows of keys: words of eight bytes, and where in a text one of them stands.

Texts are looked at word by word, and nearly none is a window.  The compiled core has a table of
its own for that, of some 12 bytes a window; without it they are a set of Python's, of some 75.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn

from inspector.native.functions import Core
from inspector.native.layout import WindowTable
from inspector.native.used import USED
from inspector.regex import regex

#: Bytes of a window.
WIDTH: Final = 8
#: The shortest piece of a key that is found, in bytes; and the shortest key that is learnt.
PIECE: Final = 12
#: A window of what masks are filled with, in lower case; and a run of that in any.
FILL: Final = int.from_bytes(b"x" * WIDTH, "little")
_FILLED: Final = regex(rb"[xX]*")
#: So many words are each looked for in a text: mostly it is one, of a documented prefix.
_FEW: Final = 16
#: Slots of the core's table at first, and what it grows by: so at least 64 of 100 are taken.
_SMALLEST: Final = 256
_GROWTH: Final = 1.25
#: Of so many slots one is taken at most, and behind them some for the words that belong last.
_TAKEN: Final = 0.8
_BEHIND: Final = 64


class Windows:
    """A set of windows.  It shows and serialises nothing of them.

    `folds`: they are in lower case, and stand in a text in any.  The engine that is used when the
    first one is entered keeps them from then on.
    """

    __slots__ = ("_core", "_folds", "_slots", "_table", "_words")

    def __init__(self, *, folds: bool = False) -> None:
        self._core: Core | None = None
        self._folds = folds
        self._words: set[int] = set()
        self._slots = array("Q")
        self._table = WindowTable()

    def __len__(self) -> int:
        return self._table.count or len(self._words)

    def add(self, low: bytes, apart: int = 1) -> None:
        """Know the windows of a text that stand at multiples of `apart` (1 to 8)."""
        core = self._core
        if core is None and not self._words:
            core = self._core = USED.core
        if core is None:
            self._words.update(_words_of(low, apart))
            return
        more, at = max(0, len(low) - WIDTH) // apart + 1, 0
        if self._table.count + more > self._table.room * _TAKEN:
            self._grow(core, self._table.count + more)
        while (at := core.enter(self._table, low, len(low), apart, at)) >= 0:
            self._grow(core, self._table.count + more)  # too many belong last

    def _grow(self, core: Core, count: int) -> None:
        """Take a larger table, with room for so many windows."""
        room = max(_SMALLEST, int(count / _TAKEN) + 1, int(self._table.room * _GROWTH))
        first, second = core.seed
        table = WindowTable(
            salt=first ^ second >> 1, factors=(first | 1, second | 1), folds=self._folds
        )
        has_moved = False
        while not has_moved:
            table.room, table.size, table.count = room, room + _BEHIND, 0
            slots = array("Q", (0,)) * table.size
            table.slots = slots.buffer_info()[0]
            has_moved = not self._slots or core.move(table, self._table) > 0
            room = int(room * _GROWTH)
        self._table, self._slots = table, slots

    def stands_at(self, text: bytes, at: int) -> bool:
        """Whether the word that begins there is a window."""
        core = self._core
        if core is None:
            return word_at(self._folded(text[at : at + WIDTH]), 0) in self._words
        found: int = core.meet(self._table, text, at + WIDTH, WIDTH, at, 0)
        return found == at

    def stand_in(self, text: bytes, apart: int, *, but_fill: bool = False) -> bool:
        """Whether a window stands in a text, at a place that is a multiple of `apart` (1 or 4).

        `but_fill`: as in `places`.
        """
        core = self._core
        if core is not None:
            fill = FILL if but_fill else 0
            found: int = core.meet(self._table, text, len(text), apart, 0, fill)
            return found >= 0
        if but_fill and FILL in self._words:
            return bool(self.places(text, apart, but_fill=True))
        low = self._folded(text)
        return not all(self._words.isdisjoint(words(low, at)) for at in range(0, WIDTH, apart))

    def places(self, text: bytes, apart: int, *, but_fill: bool = False) -> list[int]:
        """Where windows stand in a text, at places that are multiples of `apart`, in order.

        Of those in one run of what masks are filled with the first alone: a copy is full of them.
        `but_fill`: and none if nothing else of a key stands there, as most of them have it.
        """
        if self._core is not None:
            return list(self._met(self._core, text, apart, FILL if but_fill else 0))
        low = self._folded(text)
        found = self._looked_up(low, apart)
        if FILL not in self._words:
            return found
        found = _without_fill(low, found)
        return [at for at in found if not (but_fill and self._is_fill_alone(low, at))]

    def _folded(self, text: bytes) -> bytes:
        return text.lower() if self._folds else text

    def _met(self, core: Core, text: bytes, apart: int, fill: int) -> Iterator[int]:
        meet, table, size = core.meet, self._table, len(text)
        at: int = meet(table, text, size, apart, 0, fill)
        while at >= 0:
            yield at
            following = -(-(last_filled(text, at) + 1) // apart) * apart
            at = meet(table, text, size, apart, following, fill)

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

    def __repr__(self) -> str:
        return f"<Windows {len(self)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Windows are neither copied nor serialised")


def fill_end(low: bytes, at: int) -> int:
    """Where what masks are filled with ends, from a place on."""
    match = _FILLED.match(low, at)
    assert match is not None
    return match.end()


def last_filled(text: bytes, at: int) -> int:
    """The last place in a run of what masks are filled with, if the word at this one is in it.

    If not it is this one.
    """
    return max(at, fill_end(text, at) - WIDTH)


def words(low: bytes, phase: int) -> memoryview:
    """The words of a text from `phase` on, as integers."""
    count = max(0, len(low) - phase) // WIDTH
    return memoryview(low)[phase : phase + count * WIDTH].cast("Q")


def _words_of(low: bytes, apart: int) -> Iterable[int]:
    """The words of a text at multiples of `apart`."""
    if WIDTH % apart:
        return [word_at(low, at) for at in range(0, len(low) - WIDTH + 1, apart)]
    size = len(low)
    aligned = [low[at : size - (size - at) % WIDTH] for at in range(0, min(WIDTH, size), apart)]
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
