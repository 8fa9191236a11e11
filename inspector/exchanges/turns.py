"""What a tunnel's two sides say in turn, as far as times and sizes tell: TLS hides the rest.

A client that keeps its tunnel sends one request after another through it (HTTP/1.1, RFC 9112
9.3): each is a burst upwards that a burst downwards follows.  The two directions arrive here in
batches, one behind the other; their times put them in order.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Final

from inspector.fact import Fact
from inspector.native.used import USED
from inspector.wire import Segment, Segments, lengths_of

#: Bursts kept of each direction of one tunnel: it bounds memory (24 bytes each).  What a tunnel
#: carries beyond them is in no turn, and its calls say that their tunnel is not known.
TURN_LIMIT: Final = 1024
#: Segments of one direction that follow each other within this are one burst (ns; measured:
#: segments of one write are 5 to 30 us apart, an upstream next door answers after 400).
_ONE_WRITE: Final = 200_000
#: A burst upwards below this is no request: an alert, HTTP/2's WINDOW_UPDATE, SETTINGS or PING
#: (13 to 17 bytes each and 22 of TLS).  A call's head alone takes more, even under HPACK.
REQUEST_BYTES: Final = 64


class TunnelTurn(Fact):
    """A burst to the server and what came back before the next one; times in ns, -1: none came."""

    up_first: int
    up_last: int
    up: int
    down_first: int
    down_last: int
    down: int


class _Bursts:
    """The bursts of one direction: first byte, last byte, and how many there are."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows = array("q")

    def add_segments(self, segments: Sequence[Segment]) -> None:
        """Bytes that were seen, one segment behind another."""
        core, rows = USED.core, self.rows
        if core is None or not isinstance(segments, Segments):
            self.add(lengths_of(segments))
        elif len(rows) < 3 * TURN_LIMIT:
            place, count = segments.places.buffer_info()
            room = (count >> 2) + 1
            # The burst that may go on comes first.
            made = array("q", bytes(24 * room))
            last = rows[-3:]
            made[: len(last)] = last
            del rows[-3:]
            found = core.bursts(place, count >> 2, _ONE_WRITE, made.buffer_info()[0], room)
            rows += made[: 3 * min(found, TURN_LIMIT - len(rows) // 3)]

    def add(self, pieces: Iterable[tuple[int, int]]) -> None:
        """When each piece came, and how many bytes it has."""
        rows = self.rows
        if len(rows) >= 3 * TURN_LIMIT:
            return
        # The burst that may go on is kept apart: this is done for every segment.
        first, last, size = rows[-3:] or (0, 0, 0)
        del rows[-3:]
        for at, count in pieces:
            if size and at - last < _ONE_WRITE:
                last = at if at > last else last
                size += count
                continue
            if size:
                rows.extend((first, last, size))
                if len(rows) >= 3 * TURN_LIMIT:
                    return
            first, last, size = at, at, count
        if size:
            rows.extend((first, last, size))

    def __iter__(self):  # type: ignore[no-untyped-def]
        rows = self.rows
        return zip(rows[::3], rows[1::3], rows[2::3], strict=True)


class Turns:
    """Collects what passes through one tunnel; `turns` puts it in order."""

    __slots__ = ("_down", "_up")

    def __init__(self) -> None:
        self._up, self._down = _Bursts(), _Bursts()

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """Bytes that were seen."""
        (self._up if up else self._down).add_segments(segments)

    def passed(self, up: bool, count: int, at: int) -> None:
        """Bytes that passed unseen, the last of them at this time."""
        (self._up if up else self._down).add([(at, count)])

    def turns(self) -> tuple[TunnelTurn, ...]:
        """The turns, in the order of time."""
        found: list[list[int]] = []
        ups = ((first, last, count, True) for first, last, count in self._up)
        downs = ((first, last, count, False) for first, last, count in self._down)
        for first, last, count, up in sorted([*ups, *downs]):
            if up:
                if not found or (found[-1][5] and count >= REQUEST_BYTES):
                    found.append([first, last, count, -1, -1, 0])
                else:
                    # More of the request, or too little to be the next one.
                    found[-1][1] = found[-1][1] if found[-1][5] else last
                    found[-1][2] += count
            elif found:
                row = found[-1]
                row[3] = row[3] if row[5] else first
                row[4] = last
                row[5] += count
        return tuple(TunnelTurn(*row) for row in found)


def pauses(turns: Sequence[TunnelTurn]) -> tuple[tuple[int, int], ...]:
    """For each turn with an answer when its first and its last byte came back."""
    return tuple((turn.down_first, turn.down_last) for turn in turns if turn.down)
