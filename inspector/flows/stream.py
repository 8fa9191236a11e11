"""The state of one TCP connection: two `Half`s, one per direction.

Sequence numbers are kept as they are on the wire (modulo 2**32, RFC 9293 3.4);
`distance` compares them.  A `Half` is what the packet loop touches for every
packet, so it is a bag of slots without properties.
"""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from inspector.flows.contract import BATCH, IN_PLACE
from inspector.flows.tcp import SEQUENCE_MASK, distance
from inspector.model.network import ClosedBy, ConnectOutcome, Unacknowledged
from inspector.wire import Segment, Segments

if TYPE_CHECKING:
    from inspector.flows.acceptance import Challenger, HeldReset, Mark
    from inspector.flows.early import EarlyData

#: Duplicate frames are recognised within this many packets of one direction.
RECENT_FRAMES: Final = 16
#: `Half.next` before the first byte's place is known.
UNKNOWN: Final = -1
#: So often bytes are sent again, unacknowledged, before they are said to arrive nowhere: a TCP of
#: Linux waits 0.2, 0.4 and 0.8 s in between (RFC 6298), and a lost packet is rarely lost thrice.
RESENDS: Final = 3
#: More bytes than a direction has.
_ALL: Final = 1 << 62


#: Segments that wait to be delivered.
PendingSegments: TypeAlias = list[Segment] | Segments

#: The lists of a direction that has none yet; never written to.
NOTHING: Final[list[Segment]] = []


@lru_cache(maxsize=1024)
def _ends(key: bytes, width: int) -> tuple[tuple[bytes, int], tuple[bytes, int]]:
    """Address and port of both ends, as a direction's key has them; the sender's first."""
    source = -2 * width - 4
    sport, dport = int.from_bytes(key[-4:-2], "big"), int.from_bytes(key[-2:], "big")
    return (key[source : source + width], sport), (key[-width - 4 : -4], dport)


class Half:
    """One direction of a connection.

    `up`: from the client; `side` is what it was when the connection opened, by which it
    is delivered.  `next` is the sequence number expected next; `acked` the last
    acknowledgement that *this* end sent, which tells what it received of its
    peer; `skip` counts bytes still to pass unseen out of `skip_asked`;
    `batch` is `contract.BATCH` or `IN_PLACE` where that was asked for, else 0;
    `pending` holds segments not yet delivered; `delivered` the last
    ones that were, for comparing retransmitted bytes; `early`
    holds data beyond a hole, if there is any; `recent` the frames that came last.
    What a SYN alone does not need is made later: a scan opens a hundred thousand
    connections.
    """

    __slots__ = (
        "acked",
        "base",
        "batch",
        "connection",
        "delivered",
        "early",
        "early_since",
        "fin",
        "first_frame",
        "last_at",
        "last_packet",
        "next",
        "peer",
        "pending",
        "recent",
        "resends",
        "resent_from",
        "resent_size",
        "room",
        "room_compared",
        "side",
        "skip",
        "skip_asked",
        "up",
        "wraps",
    )

    def __init__(self, connection: TcpConnection, up: bool) -> None:
        self.connection = connection
        self.up = self.side = up
        self.peer: Half = self
        self.next = UNKNOWN
        self.base = UNKNOWN
        self.wraps = 0
        self.acked = UNKNOWN
        self.skip = 0
        self.skip_asked = 0
        self.batch = 0
        self.room = 0
        self.pending: PendingSegments = NOTHING
        self.delivered: Sequence[Segment] = NOTHING
        self.room_compared = 0
        self.early: EarlyData | None = None
        self.early_since = 0
        self.fin = UNKNOWN
        self.last_at = 0
        self.last_packet = 0
        self.recent: MutableSequence[int] | None = None
        self.first_frame = 0
        # How often bytes were sent again since the peer's acknowledgement last rose.
        self.resends = self.resent_size = 0
        self.resent_from = UNKNOWN

    @property
    def is_holding(self) -> bool:
        """Whether anything waits to be shown."""
        return bool(self.pending)

    def take_pending(self) -> PendingSegments:
        """What waits to be shown; from now on nothing does."""
        segments = self.pending
        if segments:
            self.pending = []
        return segments

    def lay(self, data: bytes, at: int, packet: int, start: int, stop: int) -> None:
        """Put a segment behind what waits, all of which lies in the same batch."""
        pending = self.pending
        if pending:
            assert isinstance(pending, Segments)
            pending.places.extend((at, packet, start, stop))
        else:
            self.pending = Segments(data, array("q", (at, packet, start, stop)))

    def carry(self) -> None:
        """What waits has to outlive the batch that it lies in: it is held as for `BATCH`."""
        if self.batch == IN_PLACE:
            segments = self.pending
            self.batch = BATCH
            if isinstance(segments, Segments):
                self.pending = segments.in_a_row()

    @property
    def waits(self) -> bool:
        """Whether anything is held of it: to be shown first, or beyond a hole."""
        return bool(self.pending or self.early)

    def retire(self) -> None:
        """No packet leads to it any more: its connection is only looked at.

        A cycle holds it until one is looked for, and its bytes need not wait for that.
        """
        self.delivered = NOTHING

    def remember(self) -> MutableSequence[int]:
        """Room for the frames that come, the first among them."""
        recent = self.recent = [0] * RECENT_FRAMES
        first = self.first_frame
        recent[first >> 32 & 15] = first
        return recent

    def is_repeated(self, ident: int, signature: int) -> bool:
        """Whether a frame with this `signature` came just before; it is remembered."""
        recent = self.recent
        if recent is None:
            if not self.first_frame:
                self.first_frame = signature
                return False
            recent = self.remember()
        repeated = recent[ident & 15] == signature
        recent[ident & 15] = signature
        return repeated

    @property
    def bytes(self) -> int:
        """Bytes of this direction so far, by sequence numbers (SYN and FIN have one, too)."""
        if self.next == UNKNOWN:
            return 0
        return self.position - self.ended

    def resend(self, size: int) -> None:
        """`size` bytes that had been sent before were sent again."""
        acked = self.peer.acked
        if self.resent_from != acked:
            self.resent_from, self.resends, self.resent_size = acked, 0, 0
        self.resends += 1
        self.resent_size = max(self.resent_size, size)

    @property
    def unacknowledged(self) -> Unacknowledged | None:
        """What was sent again in vain."""
        acked = self.peer.acked
        if self.resends < RESENDS or acked in (UNKNOWN, self.next) or acked != self.resent_from:
            return None
        lacking = distance(self.next, acked) - self.ended
        if lacking <= 0:
            return None
        return Unacknowledged("up" if self.up else "down", lacking, self.resends, self.resent_size)

    @property
    def position(self) -> int:
        """Where `next` is, counted from the first byte: it only grows."""
        return self.next - self.base + (self.wraps << 32)

    @property
    def ended(self) -> bool:
        """Its FIN was seen and so was every byte before it."""
        return self.fin != UNKNOWN and distance(self.next, self.fin) == 1

    def start(self, sequence: int) -> None:
        """The first byte of this direction has this sequence number."""
        self.next = self.base = sequence & SEQUENCE_MASK
        self.wraps = 0

    def advance(self, count: int) -> None:
        """`count` bytes after `next` are accounted for."""
        total = self.next + count
        if total > SEQUENCE_MASK:
            self.wraps += total >> 32
            total &= SEQUENCE_MASK
        self.next = total


class TcpConnection:
    """One connection from its first packet to its last.

    `key` and `reverse` are the connection table's keys of its two directions,
    from the client and from the server; `width` is the length of an address.
    """

    __slots__ = (
        "_width",
        "aliases",
        "challenger",
        "close_unseen",
        "closed_at",
        "closed_by",
        "closed_packet",
        "closing",
        "context",
        "down",
        "finished",
        "held_reset",
        "key",
        "midstream",
        "number",
        "opened_at",
        "outcome",
        "packet",
        "rare_at",
        "reported",
        "reset_seen",
        "retransmissions",
        "reverse",
        "syn_seen",
        "up",
        "zero_windows",
    )

    def __init__(
        self,
        number: int,
        width: int,
        keys: tuple[bytes, bytes],
        at: int,
        packet: int,
    ) -> None:
        self.number = number
        self._width = width
        self.key, self.reverse = keys
        self.aliases: tuple[bytes, ...] = ()
        self.opened_at = at
        self.packet = packet
        # When its last segment came that was more than the next bytes, or an acknowledgement.
        self.rare_at = at
        self.closed_at: int | None = None
        self.closed_packet: int | None = None
        self.closed_by: ClosedBy | None = None
        self.close_unseen = False
        self.outcome: ConnectOutcome = "unanswered"
        self.midstream = False
        self.syn_seen = False
        self.reset_seen = False
        # What is not decided yet, and where the end was that closed it (`acceptance`).
        self.held_reset: HeldReset | None = None
        self.challenger: Challenger | None = None
        self.closing: Mark | None = None
        self.finished = False
        # Nothing more of it is delivered.
        self.reported = False
        self.zero_windows = 0
        self.retransmissions = 0
        self.up = Half(self, True)
        self.down = Half(self, False)
        self.up.peer = self.down
        self.down.peer = self.up

    @property
    def client(self) -> tuple[bytes, int]:
        """Address and port of the end that `up` comes from."""
        return _ends(self.key, self._width)[0]

    @property
    def server(self) -> tuple[bytes, int]:
        """Address and port of the end that `up` goes to."""
        return _ends(self.key, self._width)[1]

    def turn(self) -> None:
        """The ends were guessed the wrong way round (mid-stream only)."""
        self.key, self.reverse = self.reverse, self.key
        self.up, self.down = self.down, self.up
        self.up.up, self.down.up = True, False
        flipped: dict[ClosedBy, ClosedBy] = {
            "client": "server",
            "server": "client",
            "reset-by-client": "reset-by-server",
            "reset-by-server": "reset-by-client",
        }
        if self.closed_by is not None:
            self.closed_by = flipped[self.closed_by]

    @property
    def is_over(self) -> bool:
        """Both directions ended, or it was reset after something had been said.

        A reset that its own sender ignores ends nothing.
        """
        if self.reset_seen and not (self.closing is not None and self.closing.went_on):
            return self.carried
        return self.up.ended and self.down.ended

    def report(self) -> None:
        """Nothing more is delivered: what comes in order passes unseen.

        In-order data may still have crossed a reset on the wire.
        """
        self.reported = True
        for half in (self.up, self.down):
            half.batch = 0
            half.skip = half.skip_asked = _ALL
            if half.peer.acked == half.next:
                half.delivered = NOTHING  # no further copy of it is read (`copies`)

    @property
    def carried(self) -> bool:
        """Whether a byte of data was seen in either direction."""
        return bool(self.up.bytes or self.down.bytes)

    @property
    def last_at(self) -> int:
        """When its last packet came that was no acknowledgement alone."""
        return max(self.rare_at, self.up.last_at, self.down.last_at)

    @property
    def bytes_up(self) -> int:
        """Bytes from the client so far."""
        return self.up.bytes

    @property
    def bytes_down(self) -> int:
        """Bytes from the server so far."""
        return self.down.bytes

    @property
    def lacks_up(self) -> bool:
        """Whether the server acknowledged bytes of the client that were not seen (yet)."""
        seen, acked = self.up.next, self.down.acked
        return UNKNOWN not in (seen, acked) and distance(acked, seen) > 0

    @property
    def unacknowledged(self) -> Unacknowledged | None:
        """What one end sent again and again, and the other never acknowledged."""
        return self.up.unacknowledged or self.down.unacknowledged

    @property
    def answer_unheard(self) -> bool:
        """Whether both ends acknowledge what the server sent, and nothing of it was captured."""
        return (
            not self.midstream
            and self.down.next == UNKNOWN
            and UNKNOWN not in (self.up.acked, self.down.acked)
        )

    @property
    def half_heard(self) -> bool:
        """Whether one end acknowledged something of the other, of which nothing was captured."""
        return any(
            half.next == half.acked == UNKNOWN and half.peer.acked != UNKNOWN
            for half in (self.up, self.down)
        )
