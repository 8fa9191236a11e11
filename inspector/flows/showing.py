"""What readers are shown of a direction: runs of segments, and how many bytes passed unseen.

For a reader that takes many segments at a time they are held until there are enough, until the
other direction speaks, or until the stream is over.  For one that takes them where they lie they
are held until their batch of packets ends, if that is not a small one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from inspector.flows.contract import IN_PLACE, Delivery, Run, Skipped
from inspector.flows.copies import COMPARED_SEGMENTS, remember
from inspector.flows.stream import NOTHING, Half
from inspector.wire import Segment, Segments

#: Segments for a batching reader are held up to this many bytes.  An event
#: stream has segments of about 150 bytes, so this is some two hundred of them.
BATCH_BYTES: Final = 32 << 10
#: The same for all directions together, as far as each of them keeps room for `BATCH_LEAST`.
BATCH_TOTAL: Final = 8 << 20
#: Bytes that are held for a direction however many connections are open.
BATCH_LEAST: Final = 2 << 10
#: Packets of a batch from which on it is worth to show at its end what lies in it; of smaller
#: ones (of several files, live) bytes are kept, as for `BATCH`.
LARGE_BATCH: Final = 32


class Showing:
    """Holds segments for readers, and delivers them; `want` and `share` say how many."""

    def __init__(self) -> None:
        self._batch_bytes = BATCH_BYTES
        #: Directions of which something is held that lies in the batch that is read.
        self.in_place: dict[Half, None] = {}

    def share(self, connections: int) -> None:
        """So many are open, and share the room in which segments are held."""
        share = BATCH_TOTAL // (2 * connections or 1)
        self._batch_bytes = max(BATCH_LEAST, min(share, BATCH_BYTES))

    def want(self, half: Half, count: int) -> None:
        """How many bytes may pass unseen from now on (see `contract.Engine.want`)."""
        now = half.batch
        if now == count < 0:  # as before, which is said behind each run
            half.room = self._batch_bytes
            return
        if now == IN_PLACE:
            half.carry()
        if count < 0:
            half.batch = count
            half.room = self._batch_bytes
            if half.pending is NOTHING:
                half.pending = []
            half.skip = half.skip_asked = 0
        elif half.pending:
            half.room = 0  # what was held comes before anything else
        else:
            half.batch = 0
            half.skip = half.skip_asked = count

    def flush(self, half: Half) -> Iterator[Delivery]:
        """What was held back for a batch."""
        segments = half.take_pending()
        if segments:
            half.room = self._batch_bytes
            if half.batch == IN_PLACE:
                self.in_place.pop(half, None)
                half.delivered = [*half.delivered, *_last_of(segments)][-COMPARED_SEGMENTS:]
                yield Run(half.connection.number, half.side, segments)
            else:
                yield self.shown(half, segments)

    def end_batch(self, packets: int) -> Iterator[Delivery]:
        """So many packets were read whose bytes go away."""
        if packets >= LARGE_BATCH:
            laid = [half for half in self.in_place if half.batch == IN_PLACE and half.pending]
            for half in sorted(laid, key=_first_packet):
                if half in self.in_place:  # no reader forgot it meanwhile
                    yield from self.flush(half)
        self.carry()

    def carry(self) -> None:
        """Whatever lies in the batch that is read outlives it."""
        for half in self.in_place:
            half.carry()
        self.in_place.clear()

    def settle(self, half: Half) -> Iterator[Delivery]:
        """How many bytes passed unseen."""
        passed = half.skip_asked - half.skip
        if passed and not half.connection.reported:
            half.skip_asked = half.skip
            half.delivered = NOTHING
            yield Skipped(half.connection.number, half.side, passed, half.last_at, half.last_packet)

    def deliver(self, half: Half, segments: Sequence[Segment]) -> Iterator[Delivery]:
        """The next bytes, after what is held of the peer."""
        if half.peer.is_holding:
            yield from self.flush(half.peer)
        if half.skip_asked:
            yield from self.settle(half)
            half.skip = half.skip_asked = 0
        yield self.shown(half, segments)

    def one(self, half: Half, segment: Segment) -> Run:
        """`shown` of one segment, as most are."""
        delivered = half.delivered
        if half.room_compared > 1 and type(delivered) is list and delivered:
            delivered.append(segment)
            half.room_compared -= 1
        else:
            remember(half, [segment])
        return Run(half.connection.number, half.side, [segment])

    def shown(self, half: Half, segments: Sequence[Segment]) -> Run:
        """The next bytes as a delivery; second copies of them are compared with these."""
        delivered = half.delivered
        if delivered and half.room_compared > len(segments) and type(delivered) is list:
            delivered += segments
            half.room_compared -= len(segments)
        else:
            remember(half, segments)
        return Run(half.connection.number, half.side, segments)


def _last_of(segments: Sequence[Segment]) -> Sequence[Segment]:
    """Those that a second copy is compared with, no longer in their batch."""
    if type(segments) is Segments:
        return segments.last(COMPARED_SEGMENTS)
    return segments[-COMPARED_SEGMENTS:]


def _first_packet(half: Half) -> int:
    pending = half.pending
    return pending.places[1] if type(pending) is Segments else pending[0][1]
