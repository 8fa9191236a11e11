"""Captured packets that wait until every byte of their payload is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from inspector.redaction.track import Track
from inspector.wire import Batch

#: Pieces of packets of one direction that wait, from which on it is looked whether any have gone.
TIDY: Final = 64
#: Nanoseconds that packets may be late by, for those of several interfaces are read one after the
#: other.  What is older tells that the clock was put back.
PUT_BACK: Final = 1_000_000_000


class HoldClock:
    """How late it is by the packets' own times, in nanoseconds; it never goes back.

    A clock that is put back, be it by an hour, stands still for a moment and goes on: else
    whatever comes in that hour would have waited for an hour already.
    """

    __slots__ = ("_added", "now")

    def __init__(self) -> None:
        self.now = 0
        self._added = 0

    def at(self, time: int) -> int:
        """The reading for a packet of this time."""
        reading = time + self._added
        if reading < self.now - PUT_BACK:
            self._added += self.now - reading
            reading = self.now
        self.now = max(self.now, reading)
        return reading


@dataclass(slots=True)
class HeldPiece:
    """A stretch of a frame, and where its bytes are in a stream; `force` has them decided."""

    start: int
    stop: int
    offset: int
    track: Track
    force: Callable[[], None]
    done: bool = False


class Held:
    """A captured packet, held back until every byte of its payload is decided."""

    __slots__ = (
        "at",
        "batch",
        "changed",
        "comments",
        "counted_cuts",
        "frame",
        "link",
        "notes",
        "number",
        "pending",
        "pieces",
        "since",
        "wire",
    )

    def __init__(
        self, at: int, frame: bytearray, wire: int, link: int, number: int,
        comments: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.at = at
        self.frame = frame
        self.wire = wire
        self.link = link
        self.number = number
        self.comments = comments
        self.notes: list[str] = []
        self.changed = False
        self.batch = 0
        self.since = 0  # when it came, by a `HoldClock`
        self.counted_cuts = False
        self.pieces: list[HeldPiece] = []
        self.pending = False  # a fragment whose datagram is not whole

    @property
    def ready(self) -> bool:
        return not self.pending and all(piece.done for piece in self.pieces)


class HeldPieces:
    """The pieces of packets that wait for one direction.

    A heap by where pieces end: of packets out of order the later may be decided first,
    and what is not is not looked at again for each packet.
    """

    __slots__ = ("_heap", "_tidy_at", "_turn")

    def __init__(self) -> None:
        # (where the piece ends, a number of its own, its packet, itself)
        self._heap: list[tuple[int, int, Held, HeldPiece]] = []
        self._tidy_at = TIDY
        self._turn = 0

    def add(self, held: Held, piece: HeldPiece) -> None:
        """A piece that is masked when its bytes are decided."""
        if len(self._heap) >= self._tidy_at:
            # Packets that could wait no longer have gone: theirs are done.
            self._heap = [entry for entry in self._heap if not entry[3].done]
            heapify(self._heap)
            self._tidy_at = 2 * len(self._heap) + TIDY
        self._turn += 1
        heappush(self._heap, (piece.offset + piece.stop - piece.start, self._turn, held, piece))

    def settle(self, decided: int | None, mask: Callable[[Held, HeldPiece], None]) -> None:
        """Mask what is `decided`; None: everything."""
        heap = self._heap
        while heap and (decided is None or heap[0][0] <= decided):
            _, _, held, piece = heappop(heap)
            if not piece.done:
                mask(held, piece)

    def first(self, default: int) -> int:
        """The lowest offset that a piece here begins with."""
        return min((entry[3].offset for entry in self._heap), default=default)


def batches_of(going: list[Held]) -> Iterator[Batch]:
    """Runs of packets that follow each other and came in one batch, each as one batch."""
    at = 0
    while at < len(going):
        end = at + 1
        while (
            end < len(going)
            and going[end].batch == going[at].batch
            and going[end].number == going[end - 1].number + 1
        ):
            end += 1
        parts = going[at:end]
        records = []
        offset = 0
        for held in parts:
            records.append((held.at, offset, len(held.frame), held.wire))
            offset += len(held.frame)
        comments = {i: tuple(held.comments) for i, held in enumerate(parts) if held.comments}
        data = b"".join(held.frame for held in parts)
        yield Batch(data, records, parts[0].link, parts[0].number, comments, parts[0].counted_cuts)
        at = end
