"""The state of one TCP connection: two `Half`s, one per direction, and who reads them.

Sequence numbers are kept as they are on the wire (modulo 2**32, RFC 9293 3.4);
`distance` compares them.  A `Half` is what the packet loop touches for every
packet, so it is a bag of slots without properties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from inspector.model.network import ClosedBy, ConnectOutcome
from inspector.wire import Segment

if TYPE_CHECKING:
    from inspector.flows.acceptance import Challenger, HeldReset, Mark
    from inspector.flows.early import EarlyData

#: Control bits of a segment (RFC 9293 3.1).
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
ACK: Final = 0x10

SEQUENCE_MASK: Final = 0xFFFFFFFF
#: Duplicate frames are recognised within this many packets of one direction.
RECENT_FRAMES: Final = 16
#: `Half.next` before the first byte's place is known.
UNKNOWN: Final = -1


class StreamReader(Protocol):
    """What reads the two byte streams of a connection (implemented in `exchanges/`).

    `data`, `skipped` and `gap` answer how many further bytes of that direction
    need not be shown (0: show them as they come; `BATCH`: show them, many
    segments at a time).
    """

    def data(self, up: bool, segments: list[Segment]) -> int:
        """The next bytes of a direction, in order."""

    def skipped(self, up: bool, count: int, at: int, packet: int) -> int:
        """`count` bytes passed unseen because the reader asked for it."""

    def gap(self, up: bool, count: int, at: int, packet: int) -> int:
        """`count` bytes were on the wire and are not in the capture."""

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> int | None:
        """`count` bytes were cut away on purpose, see `packets.COUNTED_CUTS`; `kept` is the number.

        None: this reader cannot do without them.
        """

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended with FIN; all its bytes have been given."""

    def finish(self, at: int, packet: int) -> None:
        """Nothing more of this connection will be seen (end, reset, or end of capture)."""


class _Nobody:
    """Reads what comes after the end: in-order data that crossed a reset on the wire."""

    __slots__ = ()

    def data(self, up: bool, segments: list[Segment]) -> int:
        return 1 << 62

    def skipped(self, up: bool, count: int, at: int, packet: int) -> int:
        return 1 << 62

    def gap(self, up: bool, count: int, at: int, packet: int) -> int:
        return 1 << 62

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> int | None:
        return 1 << 62

    def end(self, up: bool, at: int, packet: int) -> None:
        pass

    def finish(self, at: int, packet: int) -> None:
        pass


#: The reader of a connection that was reported; it may be shared, for it keeps nothing.
NOBODY: Final[StreamReader] = _Nobody()

#: Answer of a `StreamReader`: give me the next bytes in batches.
BATCH: Final = -1


#: The lists of a direction that has none yet; never written to.
NOTHING: Final[list[Segment]] = []


class Half:
    """One direction of a connection.

    `next` is the sequence number expected next; `acked` the last
    acknowledgement that *this* end sent, which tells what it received of its
    peer; `skip` counts bytes still to pass unseen out of `skip_asked`;
    `pending` holds segments not yet given to the reader; `delivered` the last
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
        "room",
        "room_compared",
        "skip",
        "skip_asked",
        "up",
        "wraps",
    )

    def __init__(self, connection: TcpConnection, up: bool) -> None:
        self.connection = connection
        self.up = up
        self.peer: Half = self
        self.next = UNKNOWN
        self.base = UNKNOWN
        self.wraps = 0
        self.acked = UNKNOWN
        self.skip = 0
        self.skip_asked = 0
        self.batch = False
        self.room = 0
        self.pending = self.delivered = NOTHING
        self.room_compared = 0
        self.early: EarlyData | None = None
        self.early_since = 0
        self.fin = UNKNOWN
        self.last_at = 0
        self.last_packet = 0
        self.recent: list[int] | None = None
        self.first_frame = 0

    def remember(self) -> list[int]:
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
        "last_at",
        "midstream",
        "number",
        "opened_at",
        "outcome",
        "packet",
        "reader",
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
        self.last_at = at
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
        self.zero_windows = 0
        self.retransmissions = 0
        self.reader: StreamReader
        self.up = Half(self, True)
        self.down = Half(self, False)
        self.up.peer = self.down
        self.down.peer = self.up

    @property
    def client(self) -> tuple[bytes, int]:
        """Address and port of the end that `up` comes from."""
        source = -2 * self._width - 4
        return self.key[source : source + self._width], int.from_bytes(self.key[-4:-2], "big")

    @property
    def server(self) -> tuple[bytes, int]:
        """Address and port of the end that `up` goes to."""
        return self.key[-self._width - 4 : -4], int.from_bytes(self.key[-2:], "big")

    def swap_ends(self) -> None:
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

    @property
    def carried(self) -> bool:
        """Whether a byte of data was seen in either direction."""
        return bool(self.up.bytes or self.down.bytes)


def distance(a: int, b: int) -> int:
    """How far `a` lies after `b` in sequence space: -2**31 .. 2**31-1."""
    return ((a - b + 0x80000000) & SEQUENCE_MASK) - 0x80000000
