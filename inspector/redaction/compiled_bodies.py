"""What the compiled core masks of a body: tokens and events as nearly all are.

It walks JSON, blanks strings that nothing grants, and leaves what is known to stay.  It stops in
front of anything else: `bodies` and `event_bodies`, which specify all this, take that, and say
what of it stays (`KnownTokens`), so that it is passed over from then on.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final

from inspector.credentials.known_tokens import KnownTokens
from inspector.fact import Fact
from inspector.native.functions import Core
from inspector.native.layout import AN_ARRAY, JSON_DEPTH, KNOWN_VALUE, JsonWalk
from inspector.redaction.body_grants import BARE_ERROR_TEXTS, ERROR_TEXTS, STRINGS

_TEXTS: Final = sorted({path[-1] for path in ERROR_TEXTS | BARE_ERROR_TEXTS} - STRINGS.keys())
_OTHERS: Final = sorted({name for path in ERROR_TEXTS | BARE_ERROR_TEXTS for name in path})
#: Names that decide what stays under them, by number: those with a grant, those of error texts.
_NAMES: Final[tuple[str | None, ...]] = (
    None, *STRINGS, *_TEXTS, *(name for name in _OTHERS if name not in (*STRINGS, *_TEXTS))
)  # fmt: skip
#: What a member's name means to the core; others mean nothing.
MEANINGS: Final = {name: number for number, name in enumerate(_NAMES) if name is not None}
_GRANTED: Final = len(STRINGS)

#: In the place of a member's name, of an array.
ARRAY: Final = "[]"
_OPENS: Final = {True: ord("["), False: ord("{")}


def kind_of_value(name: str) -> int:
    """The kind of a value that is granted under a name of `STRINGS`."""
    return KNOWN_VALUE + MEANINGS[name]


class Passed(Fact):
    """Tokens that were taken: where the next one begins; what is open, expected; what changed."""

    at: int
    path: list[str | None]
    brackets: list[int]
    expects: int
    changed: bool


class CompiledMasking:
    """Some bytes of a body, of which the core masks what it can, from any place on."""

    __slots__ = ("_core", "_data", "_out", "_place", "_tokens")

    def __init__(self, core: Core, tokens: KnownTokens, data: bytes) -> None:
        self._core = core
        self._tokens = tokens
        self._data = data
        self._out = bytearray(data)
        self._place = ctypes.addressof(ctypes.c_char.from_buffer(self._out)) if data else 0

    def masked(self, start: int, stop: int) -> bytes:
        """What was taken there, masked."""
        return bytes(self._out[start:stop])

    def json(
        self, at: int, expects: int, path: Sequence[str | None], *, answers: bool
    ) -> Passed | None:
        """The tokens of a document from `at` on, whose members being read are `path`."""
        depth = len(path)
        if depth > JSON_DEPTH:
            return None
        walk = JsonWalk(expects, depth, answers, 0, _GRANTED, _GRANTED + len(_TEXTS))
        walk.names[:depth] = [
            AN_ARRAY if name is ARRAY else MEANINGS.get(name or "", 0) for name in path
        ]
        taken = self._core.mask_json(
            walk, self._tokens.pointer, self._data, len(self._data), at, self._place
        )
        if taken == at:
            return None
        names = walk.names[: walk.depth]
        return Passed(
            taken,
            [ARRAY if name == AN_ARRAY else _NAMES[name] for name in names],
            [_OPENS[name == AN_ARRAY] for name in names],
            walk.expects,
            bool(walk.changed),
        )

    def events(self, at: int) -> tuple[int, bool]:
        """The events of a stream from `at` on: where another one begins; whether any changed."""
        walk = JsonWalk(0, 0, 1, 0, _GRANTED, _GRANTED + len(_TEXTS))
        taken: int = self._core.mask_events(
            walk, self._tokens.pointer, self._data, len(self._data), at, self._place
        )
        return taken, bool(walk.changed)
