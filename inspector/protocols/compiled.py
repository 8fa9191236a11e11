"""What the compiled core takes of a body whose segments it gave: whole chunks, routine events.

Each answers how far it came; from there on `http1_chunks` and `sse` read, which specify both.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Mapping
from typing import Final

from inspector.fact import Fact
from inspector.native.functions import Core
from inspector.native.layout import HEADS, Chunking, HeardEvents
from inspector.wire import Segments

#: Chunks that one call of the core may give, beside one a segment.
_ROOM: Final = 16
_PLACE: Final = 32
_LONGEST_HEAD: Final = 255


class Chunks(Fact):
    """What stands in chunks: `body` bytes in `pieces`, read up to `position` of segment `at`.

    `passed`: bytes of the segments before that one, from where the reading began.
    """

    pieces: Segments
    at: int
    position: int
    body: int
    passed: int


def whole_chunks(core: Core, segments: Segments, index: int, position: int) -> Chunks:
    """The chunks that are all there (RFC 9112 7.1), from a position of a segment on.

    As far as segments adjoin: of a chunk that came in several there is a piece for each.
    """
    at, data = Chunking(index, position), segments.data
    place, count = segments.places.buffer_info()
    made = array("q")
    body = passed = 0
    # Nothing of it is kept between calls: several captures may be read at once.
    room = (count >> 2) + _ROOM
    out = array("q", bytes(room * _PLACE))
    while True:
        found = core.chunks(
            ctypes.byref(at), data, len(data), place, count >> 2, out.buffer_info()[0], room
        )
        made += out[: 4 * found]
        body += at.body
        passed += at.passed
        if found < room:
            return Chunks(Segments(data, made), at.index, at.position, body, passed)


class EventCount:
    """Counts events that have nothing to tell: a head met before, and one line of JSON.

    `heads` are what stands before their data, with their names.
    """

    def __init__(self, core: Core, heads: Mapping[bytes, str]) -> None:
        self._count = core.events
        known = [item for item in heads.items() if len(item[0]) <= _LONGEST_HEAD][:HEADS]
        self._names = [name for _, name in known]
        self._heads = b"".join([bytes((len(head),)) + head for head, _ in known])
        self.heard = HeardEvents()
        self._pointer = ctypes.pointer(self.heard)

    def take(self, pieces: Segments, index: int, names: dict[str, int], plain: str | None) -> int:
        """The events from piece `index` on: each adds one to its name; the first not taken.

        `plain` is the name of those that have no head, where they are plain chunks of an answer
        (`api.is_plain_chunk`); None: they are left.
        """
        data, heard = pieces.data, self.heard
        place, size = pieces.places.buffer_info()
        heard.reads_plain = plain is not None
        taken: int = self._count(
            self._pointer, data, len(data), place + index * _PLACE, (size >> 2) - index,
            self._heads, len(self._heads),
        )  # fmt: skip
        if taken:
            seen = heard.seen
            for name, count in zip(self._names, seen, strict=False):
                if count:
                    names[name] += count
            if plain is not None:
                names[plain] += seen[HEADS]
        return index + taken
