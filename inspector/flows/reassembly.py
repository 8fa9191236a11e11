"""Out of order, overlapping, missing: segments that are not simply the next ones.

RFC 9293 3.10.7.4 tells a receiver what to do; an observer differs in two ways.
It keeps the *first* copy of a byte, because the receiver may have consumed it
already, and it must tell bytes that were lost on the wire (they come again)
from bytes that the capture lost (the receiver acknowledged them, so they never
come again).  A gap is never joined across: the reader is told of it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Final

from inspector.flows import acceptance
from inspector.flows.acceptance import Mark, is_far
from inspector.flows.contract import Cut, Delivery, End, Gap
from inspector.flows.copies import arrived, slack, tail
from inspector.flows.early import EarlyData
from inspector.flows.notes import FlowNotes, Missing
from inspector.flows.showing import Showing
from inspector.flows.stream import NOTHING, UNKNOWN, Half, TcpConnection
from inspector.flows.tcp import distance
from inspector.model.capture import UnreadReason
from inspector.wire import Segment

FAULTS: Final[dict[str, str]] = {
    "conflicting-overlap": "Bytes were sent twice with different content; the first copy was kept.",
    "keep-alive-probe": "A TCP keep-alive probe; it carries no data.",
    "data-after-end": "Data arrived after the FIN of its own direction; it was ignored.",
    "misplaced-fin": "A FIN stood before bytes that its own side had already sent; it was ignored.",
    "early-data-limit": "More data waited beyond a hole than the limit; the hole became a gap.",
}

#: Out-of-order data held for one direction, in bytes of the stream (those that the
#: snap length cut off included).
EARLY_LIMIT: Final = 4 << 20
#: Out-of-order segments held for one direction.
EARLY_SEGMENTS: Final = 16_384
#: Memory of out-of-order data held for all directions together.
EARLY_TOTAL_LIMIT: Final = 48 << 20
#: A hole that its receiver acknowledged is given up after this many further
#: packets of the capture: a capture from several queues shows an
#: acknowledgement a few packets before the data it acknowledges.
HOLE_PATIENCE: Final = 64
#: Gaps listed one by one; a capture with more is beyond reading anyway.
GAPS_KEPT: Final = 10_000


class Reassembler:
    """Puts the segments of many connections in order; what that delivers is iterated."""

    def __init__(self, notes: FlowNotes) -> None:
        self._notes = notes
        self.showing = Showing()
        self._early_total = 0
        self._looking_at_peer = False
        # The answer to the cut that is being delivered.
        self.cut_is_lost = False
        #: Whether packets that are cut short were cut on purpose (`packets.COUNTED_CUTS`).
        self.counted_cuts = False

    def forget(self) -> None:
        """The connections are gone, and what was held for them."""
        self._early_total = 0
        self.showing.in_place.clear()

    def deliver(self, half: Half, segments: Sequence[Segment]) -> Iterator[Delivery]:
        """The next bytes, after what the peer sent before them."""
        peer = half.peer
        if peer.early and not self._looking_at_peer:
            # Its bytes behind the hole come through here too and must not look
            # back: `segments` have left `half` and have not been shown.
            self._looking_at_peer = True
            yield from self._give_up_hole(peer, segments[0][1], forced=False)
            self._looking_at_peer = False
        yield from self.showing.deliver(half, segments)

    # -- from the engine ----------------------------------------------

    def segment(
        self,
        half: Half,
        sequence: int,
        payload: Segment,
        missing: int,
        repeated: bool,
    ) -> Iterator[Delivery]:
        """Take one segment with data, wherever in the stream it belongs.

        `missing` payload bytes were on the wire but cut off by the snap length;
        `repeated` tells that a frame with the same IP identification and
        sequence number was seen just before.
        """
        at, packet, data = payload
        if missing and not self.counted_cuts:
            self._notes.truncated_packets += 1
        if half.next == UNKNOWN:
            self._find_start(half, sequence, packet)
        offset = distance(sequence, half.next)
        length = len(data) + missing
        if is_far(half, sequence) or offset < -half.bytes - 1 - slack(half):
            self._notes.fault("data-not-in-window", packet, acceptance.FAULTS)
            self._unread(half, "after-close", packet)
            return
        if length <= 1 and offset == -1 and half.next != half.base and arrived(half, 0):
            # RFC 9293 3.8.4: a probe repeats the last byte or sends none.
            self._fault("keep-alive-probe", packet)
            return
        if half.ended:
            offset += 1  # `next` counts the FIN
        if offset < 0:
            known = min(-offset, length)
            self._note_repetition(half, offset, data[:known], repeated, packet)
            if known == length:
                return
            data = data[known:]
            missing = length - known - len(data)
            offset = 0
        if half.fin != UNKNOWN:
            room = 0 if half.ended else distance(half.fin, half.next) - offset
            if room < len(data) + missing:
                self._fault("data-after-end", packet)
                self._unread(half, "after-close", packet)
                data = data[: max(0, room)]
                missing = max(0, room - len(data))
                if room <= 0:
                    return
        if offset == 0 and not half.early:
            yield from self._take(half, (at, packet, data), missing)
        else:
            self._hold(half, offset, (at, packet, data), missing, repeated)
            yield from self._drain(half)
            early = half.early
            if early is not None:
                full = (
                    early.size > EARLY_LIMIT
                    or len(early) > EARLY_SEGMENTS
                    or self._early_total > EARLY_TOTAL_LIMIT
                )
                if full:
                    self._fault("early-data-limit", packet)
                    self._notes.limits_hit["out-of-order data"] = None
                    self._unread(half, "limit", packet)
                yield from self._give_up_hole(half, packet, forced=full)
        yield from self.check_end(half, at, packet)

    def fin(self, half: Half, sequence: int, at: int, packet: int) -> Iterator[Delivery]:
        """A FIN whose own sequence number is `sequence`."""
        connection = half.connection
        if half.fin != UNKNOWN:
            return
        if half.next == UNKNOWN:
            half.start(sequence)
        elif is_far(half, sequence):
            self._notes.fault("fin-not-in-window", packet, acceptance.FAULTS)
            return
        elif distance(sequence, half.next) < 0:
            # Not the stream's end: the receiver takes it for an old packet, too.
            self._fault("misplaced-fin", packet)
            return
        half.fin = sequence
        if connection.closed_by is None:
            connection.closed_by = "client" if half.up else "server"
            connection.closed_at, connection.closed_packet = at, packet
        if half.early:
            yield from self._give_up_hole(half, packet, forced=False)
        yield from self.check_end(half, at, packet)

    def check_end(self, half: Half, at: int, packet: int) -> Iterator[Delivery]:
        """Report the end of a direction once all bytes before its FIN were given."""
        if half.fin == UNKNOWN or half.next != half.fin or half.early:
            return
        if half.peer.is_holding:
            yield from self.showing.flush(half.peer)
        yield from self.showing.flush(half)
        yield from self.showing.settle(half)
        half.advance(1)  # the FIN itself
        if not half.connection.reported:
            yield End(half.connection.number, half.side, at, packet)

    def reset(self, half: Half, at: int, packet: int) -> Iterator[Delivery]:
        """A RST sent by the end whose direction is `half`.

        What the loop does next depends on whether anything was said at all:
        scanners send data behind their own RST.
        """
        connection = half.connection
        if connection.reset_seen:
            connection.closing = Mark.of(half)
            return
        connection.reset_seen = True
        if connection.closed_by is None:
            connection.closed_by = "reset-by-client" if half.up else "reset-by-server"
            connection.closed_at, connection.closed_packet = at, packet
        yield from self._empty(connection, at, packet)
        connection.closing = Mark.of(half)

    def finish(self, connection: TcpConnection, at: int, packet: int) -> Iterator[Delivery]:
        """Nothing more of this connection comes: fill what cannot be filled, report the tail."""
        yield from self._empty(connection, at, packet)
        for half in (connection.up, connection.down):
            acked = half.peer.acked
            if half.next == UNKNOWN:
                continue
            if half.fin != UNKNOWN:
                if distance(half.fin, half.next) > 0:
                    yield from self._gap(half, distance(half.fin, half.next), at, packet)
                    yield from self.check_end(half, at, packet)
                continue
            if acked == UNKNOWN:
                continue
            # One byte more than the data is a FIN that was not captured.
            lacking = distance(acked, half.next)
            if lacking == 1:
                connection.close_unseen = True
            elif 1 < lacking < 1 << 30:
                yield from self._gap(half, lacking, at, packet)

    # -- pieces ------------------------------------------------------------

    def _find_start(self, half: Half, sequence: int, packet: int) -> None:
        """Where does a direction start whose SYN was not captured?

        Its peer's acknowledgement tells: what was never acknowledged is not
        yet part of the stream, what was is.
        """
        acked = half.peer.acked
        if not half.connection.midstream and not half.up:
            self._notes.unopened += 1
            self._unread(half, "gap", packet)
        if acked != UNKNOWN and 0 <= distance(sequence, acked) < EARLY_LIMIT:
            half.start(acked)
        else:
            half.start(sequence)

    def _take(self, half: Half, payload: Segment, missing: int) -> Iterator[Delivery]:
        """The next bytes of the stream: skip them, batch them or show them."""
        at, packet, data = payload
        count = len(data)
        if missing and self.counted_cuts:
            if (yield from self._cut(half, count, count + missing, at, packet)):
                return
            self._notes.truncated_packets += 1
        half.advance(count)
        half.last_at = at
        half.last_packet = packet
        if half.skip:
            passed = min(half.skip, count)
            half.skip -= passed
            data = data[passed:]
            if not half.skip:
                yield from self.showing.settle(half)
        if data:
            if half.batch:
                half.carry()
                half.pending.append((at, packet, data))
                half.room -= len(data)
                if half.room <= 0:
                    yield from self.showing.flush(half)
            else:
                yield from self.deliver(half, [(at, packet, data)])
        if missing:
            yield from self._gap(half, missing, at, packet, counted=False)

    def _hold(
        self, half: Half, offset: int, payload: Segment, missing: int, repeated: bool
    ) -> None:
        """Keep a segment for later, without what an earlier copy already holds."""
        if half.early is None:
            half.early = EarlyData()
            half.early_since = payload[1]
        before = half.early.memory
        added, conflict = half.early.add(half.position + offset, payload, missing)
        self._early_total += half.early.memory - before
        if conflict:
            self._conflict(half, payload[1])
        if not added:
            self._count_copy(half, repeated, len(payload[2]) + missing)

    def _drain(self, half: Half) -> Iterator[Delivery]:
        """Take what has become next."""
        early = half.early
        while early and early.first.start <= half.position:
            before = early.memory
            piece = early.take()
            self._early_total += early.memory - before
            at, packet, data = piece.segment
            passed = half.position - piece.start
            if passed < len(data) + piece.missing:
                lacking = min(piece.missing, len(data) + piece.missing - passed)
                yield from self._take(half, (at, packet, data[passed:]), lacking)
        if early:
            half.early_since = max(half.early_since, early.first.segment[1])
        else:
            half.early = None

    def _give_up_hole(self, half: Half, packet: int, *, forced: bool) -> Iterator[Delivery]:
        """Turn a hole into a gap when it cannot be filled any more."""
        while half.early:
            beyond, (at, first_packet, _), _ = half.early.first
            hole = beyond - half.position
            acked = half.peer.acked
            was_acked = acked != UNKNOWN and distance(acked, half.next) >= hole
            # References of two files differ by more than any patience.
            patient = abs(packet - half.early_since) < HOLE_PATIENCE
            if not forced and (not was_acked or patient):
                return
            yield from self._gap(half, hole, at, first_packet)
            yield from self._drain(half)

    def _gap(
        self, half: Half, count: int, at: int, packet: int, *, counted: bool = True
    ) -> Iterator[Delivery]:
        for either in (half.peer, half):
            if either.is_holding:
                yield from self.showing.flush(either)
        yield from self.showing.settle(half)
        half.advance(count)
        half.delivered = NOTHING
        self._unread(half, "gap" if counted else "truncated", packet)
        if counted and len(self._notes.missing) == GAPS_KEPT:
            self._notes.limits_hit["gaps listed"] = None
        elif counted:
            self._notes.missing.append(Missing(half.connection.number, half.up, count, packet))
        if not half.connection.reported:
            yield Gap(half.connection.number, half.side, count, at, packet)

    def _cut(
        self, half: Half, kept: int, count: int, at: int, packet: int
    ) -> Generator[Delivery, None, bool]:
        """Pass `count` bytes that the capture's filter left out, if they can be done without."""
        for either in (half.peer, half):
            if either.is_holding:
                yield from self.showing.flush(either)
        yield from self.showing.settle(half)
        self.cut_is_lost = False
        if not half.connection.reported:
            yield Cut(half.connection.number, half.side, kept, count, at, packet)
        if self.cut_is_lost:
            return False
        half.advance(count)
        half.last_at = at
        half.last_packet = packet
        half.delivered = NOTHING
        return True

    def _empty(self, connection: TcpConnection, at: int, packet: int) -> Iterator[Delivery]:
        """Give the readers all that is held anywhere."""
        for half in (connection.up, connection.down):
            if half.early:
                yield from self._give_up_hole(half, packet, forced=True)
                yield from self.check_end(half, at, packet)
        for half in (connection.up, connection.down):
            yield from self.showing.flush(half)
            yield from self.showing.settle(half)

    def _note_repetition(
        self, half: Half, offset: int, data: bytes, repeated: bool, packet: int
    ) -> None:
        """A frame seen twice, a retransmission, or an overlap that says something else."""
        before = tail(half, -offset)
        unknown = -offset - len(before)
        if data[unknown:] != before[: max(0, len(data) - unknown)] and not arrived(
            half, offset + len(data)
        ):
            self._conflict(half, packet)
        self._count_copy(half, repeated, len(data))

    def _count_copy(self, half: Half, repeated: bool, size: int) -> None:
        if repeated:
            self._notes.duplicate_packets += 1
        else:
            half.connection.retransmissions += 1
            half.resend(size)

    def _conflict(self, half: Half, packet: int) -> None:
        self._fault("conflicting-overlap", packet)
        self._unread(half, "conflict", packet)

    def _unread(self, half: Half, reason: UnreadReason, packet: int) -> None:
        self._notes.unread.note(half.connection.number, reason, packet)

    def _fault(self, name: str, packet: int) -> None:
        self._notes.fault(name, packet, FAULTS)
