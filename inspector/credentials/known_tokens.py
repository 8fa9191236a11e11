"""Tokens of bodies that a copy keeps as they are, for the compiled core: it takes them by itself.

Whoever looks at one and lets it stand puts it here.  It holds nothing that was not granted: no
key, and nothing of which anything was masked.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

from inspector.native.functions import Core
from inspector.native.layout import KNOWN_TEXT, KNOWN_TOKEN, TokenTable
from inspector.native.used import USED

#: Tokens at most, a power of two; a newer one then takes an older one's place.
PLACES: Final = 2048


class KnownTokens:
    """A table of names, numbers and values (`native/bodies.c`)."""

    __slots__ = ("_places", "_table", "pointer")

    def __init__(self) -> None:
        self._places: ctypes.Array[ctypes.c_uint8] | None = None
        self._table = TokenTable()
        #: Of the table, for the core.
        self.pointer: Any = ctypes.pointer(self._table)

    def know(self, kind: int, text: bytes, meaning: int = 0) -> None:
        """Keep a token from now on: its kind and what it means are those of `layout.py`."""
        core = USED.core
        if core is not None and len(text) <= KNOWN_TEXT:
            if self._places is None:
                self._make_places(core)
            core.know(self.pointer, kind, meaning, text, len(text))

    def _make_places(self, core: Core) -> None:
        self._places = (ctypes.c_uint8 * (PLACES * KNOWN_TOKEN))()
        table = self._table
        table.seed, table.mask = core.seed[0], PLACES - 1
        table.tokens = ctypes.addressof(self._places)

    def clear(self) -> None:
        """Forget everything."""
        if self._places is not None:
            ctypes.memset(self._places, 0, len(self._places))
