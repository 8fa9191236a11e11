"""Would a receiver take it?  What an end of a connection does with a RST, a SYN, a FIN.

RFC 9293 3.10.7 and RFC 5961: a RST counts at exactly the next sequence number, a
SYN within a connection is answered and changes nothing.  An observer does not
know the receiver's next number, only what was captured of both ends, so that
some cases stay open until what follows decides them: an end that goes on did
not take what would have ended it.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from inspector.fact import Fact
from inspector.flows.decode import TcpPacket
from inspector.flows.stream import UNKNOWN, Half, TcpConnection
from inspector.flows.tcp import ACK, SEQUENCE_MASK, SYN, distance
from inspector.wire import Segment

FAULTS: Final[dict[str, str]] = {
    "reset-not-in-window": "A RST that its receiver did not take: its sequence number is not the"
    " next one (RFC 5961 3); it was ignored.",
    "syn-in-connection": "A SYN within a connection that went on (RFC 5961 4); it was ignored.",
    "fin-not-in-window": "A FIN further ahead than any receiver's window; it was ignored.",
    "data-not-in-window": "Data that no receiver takes: far from all that its direction sent.",
    "data-after-close": "Data was sent and acknowledged behind the end of its connection; it was"
    " not read.",
    "impossible-acknowledgement": "A segment acknowledges what its receiver cannot have sent"
    " (RFC 9293 3.10.7.4); it was ignored.",
}

#: The widest receive window that is believed, in bytes: Linux grows one to 6 MiB
#: (`net.ipv4.tcp_rmem`), tuned hosts to 16 MiB.
WIDEST_WINDOW: Final = 1 << 24
#: The widest window that TCP can state (RFC 7323 2.3): what lies further is of another connection.
LARGEST_WINDOW: Final = 1 << 30

Taken: TypeAlias = Literal["taken", "doubtful", "ignored"]


def reset_is(half: Half, sequence: int, flags: int, acknowledged: int) -> Taken:
    """What becomes of a RST sent by the end of `half`.

    "doubtful": it depends on what of this direction arrived.
    """
    connection, acked = half.connection, half.peer.acked
    if half.next == UNKNOWN:
        if not (half.up or connection.midstream):  # an answer to a SYN (RFC 9293 3.10.7.3)
            sent = half.peer
            if not flags & ACK:
                return "doubtful"
            known = 0 <= distance(acknowledged, sent.base) <= sent.bytes + sent.ended
            return "taken" if known else "ignored"
        if acked == UNKNOWN:
            return "doubtful"
        return "taken" if sequence == acked else _nearly(distance(sequence, acked))
    if sequence == half.next or (half.ended and distance(sequence, half.next) == -1):
        return "taken"
    if half.up and half.peer.next == UNKNOWN and not connection.midstream:
        # RFC 9293 3.5.1: it answers an acknowledgement of an older connection of these ports.
        return "ignored"
    ahead = distance(sequence, half.next)
    if acked == UNKNOWN:
        return _nearly(abs(ahead))
    # The receiver's next number is at least what it acknowledged last.
    if ahead > 0 and sequence == acked:
        return "taken"
    return _nearly(distance(sequence, acked))


def _nearly(ahead: int) -> Taken:
    return "doubtful" if 0 <= ahead < WIDEST_WINDOW else "ignored"


def is_impossible(half: Half, acknowledged: int) -> bool:
    """Whether the end of `half` acknowledges what its peer cannot have sent (RFC 9293 3.10.7.4)."""
    sent = half.peer.next
    return sent != UNKNOWN and abs(distance(acknowledged, sent)) > LARGEST_WINDOW


class Mark(Fact):
    """How far one end was at a moment: what it had sent, and what it had acknowledged."""

    half: Half
    next: int
    acked: int

    @classmethod
    def of(cls, half: Half) -> Mark:
        """Where an end is now."""
        return cls(half, half.next, half.acked)

    @property
    def sent_more(self) -> bool:
        """Whether the end has sent data or a FIN since."""
        return _is_beyond(self.half.next, self.next)

    @property
    def went_on(self) -> bool:
        """Whether the end has sent or acknowledged anything more since."""
        return self.sent_more or _is_beyond(self.half.acked, self.acked)


def _is_beyond(now: int, then: int) -> bool:
    return now != then and (then == UNKNOWN or distance(now, then) > 0)


class HeldReset(Fact):
    """A doubtful RST: it ended the connection if its sender never went on."""

    sender: Mark
    at: int
    packet: int


#: A segment as the packet loop passes it on: key, decoded, identification, sequence,
#: acknowledgement, flags, window, payload, missing bytes.
SegmentArguments: TypeAlias = tuple[bytes, TcpPacket | None, int, int, int, int, int, Segment, int]


class Challenger(Fact):
    """A SYN within a connection: the start of the next one, if the old one does not go on.

    `half` is the direction of the old connection that it came in, `segment` the
    SYN itself; `marks` are the old connection's ends when it came.
    """

    half: Half
    sequence: int
    segment: SegmentArguments
    marks: tuple[Mark, Mark]

    @property
    def packet(self) -> int:
        """The packet of the SYN."""
        return self.segment[7][1]

    def is_continued_by(self, half: Half, sequence: int, acknowledged: int, flags: int) -> bool:
        """Whether a segment belongs to the connection that this SYN opens."""
        first = (self.sequence + 1) & SEQUENCE_MASK
        if half is not self.half:
            return bool(flags & ACK) and acknowledged == first
        return sequence == first and not flags & SYN

    def is_refuted_by(self, half: Half, sequence: int) -> bool:
        """Whether a segment with data, RST or FIN goes on with the old connection."""
        return half.next != UNKNOWN and abs(distance(sequence, half.next)) < WIDEST_WINDOW

    @property
    def is_outlived(self) -> bool:
        """Whether either end of the old connection sent more."""
        return any(mark.sent_more for mark in self.marks)


def is_alive(connection: TcpConnection) -> bool:
    """Both ends were heard and neither let go, so that a SYN gets a challenge (RFC 5961 4)."""
    up, down = connection.up, connection.down
    return (
        UNKNOWN not in (up.next, down.next)
        and not (connection.finished or connection.reset_seen)
        and connection.held_reset is None
    )


def is_far(half: Half, sequence: int) -> bool:
    """Whether a byte lies further ahead than any window, and than what was acknowledged.

    Less far it may be the end of a hole: a capture that stalls loses a gigabyte at a time.
    """
    acked = half.peer.acked
    return distance(sequence, half.next) > LARGEST_WINDOW and (
        acked == UNKNOWN or distance(sequence, acked) > LARGEST_WINDOW
    )
