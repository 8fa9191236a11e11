"""What the packet core promises: a batch in, deliveries out.

`Engine.feed` is an iterator.  Whoever iterates handles each delivery before the
engine goes on, so that nothing is called from inside the core, and what is asked
of the engine meanwhile (`want`, `lost`, `refuse`, `turn`, `forget`) takes effect
at once.  A call that is not iterated to its end leaves the rest of its packets unread.

A stream is a connection's number, its directions are `up` and down: `up` comes from
what seemed to be its client when it opened, and stays what it is when the ends are
turned, so that every reader of a stream means the same.  Deliveries of one connection stand in the
order of its bytes; of several connections they may stand in another order than
their packets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol, TypeAlias

from inspector.fact import Fact
from inspector.flows.decode import TcpPacket
from inspector.flows.notes import FlowNotes
from inspector.model.network import ClosedBy, ConnectOutcome, Unacknowledged
from inspector.wire import Batch, Segment

#: To `Engine.want`: show the next bytes, many segments at a time.
BATCH: Final = -1
#: The same, and all that a batch of packets has of them at once; they may lie in the batch's own
#: bytes, so that whoever asks for it keeps nothing of them beyond the call.
IN_PLACE: Final = -2


class Opening(Fact):
    """A packet between two ends opens a connection, unless the answer is `Engine.refuse`."""

    source: bytes
    destination: bytes
    sport: int
    dport: int


class LeftOut(Fact):
    """A connection that was refused carries its first data."""

    source: bytes
    destination: bytes
    sport: int
    dport: int


class Opened(Fact):
    """A connection begins; `view` stays true to it until it is closed, and is kept beyond."""

    stream: int
    view: ConnectionView


class Run(Fact):
    """The next bytes of a direction, unbroken by bytes of the other: where each piece is from.

    It is shown whole even if `want` was asked for more than what passed before it.
    """

    stream: int
    up: bool
    segments: Sequence[Segment]


class Skipped(Fact):
    """`length` bytes passed unseen, because `want` said so; the last in `packet`."""

    stream: int
    up: bool
    length: int
    at: int
    packet: int


class Gap(Fact):
    """`length` bytes were on the wire and are not in the capture."""

    stream: int
    up: bool
    length: int
    at: int
    packet: int


class Cut(Fact):
    """`length` bytes were cut away on purpose (`wire.Batch.counted_cuts`); `kept` is the number.

    Who cannot do without them answers `Engine.lost`: they become a gap.
    """

    stream: int
    up: bool
    kept: int
    length: int
    at: int
    packet: int


class End(Fact):
    """A direction ended with FIN; all its bytes have been delivered."""

    stream: int
    up: bool
    at: int
    packet: int


class Closed(Fact):
    """Nothing more of the connection is delivered: its end, a reset, or the capture's end."""

    stream: int
    at: int
    packet: int


Delivery: TypeAlias = (
    Opening | LeftOut | Opened | Run | Skipped | Gap | Cut | End | Closed
)  # fmt: skip


class Place(Fact):
    """Where a byte of a segment lies: so many bytes after the first of its direction.

    `offset` is negative before the first byte that was captured.
    """

    stream: int
    up: bool
    offset: int


class ConnectionView(Protocol):
    """What a reader may know of a connection, as far as it was seen; it changes nothing."""

    @property
    def number(self) -> int:
        """Its stream; connections are numbered from 1 in the order of their first packets."""

    @property
    def client(self) -> tuple[bytes, int]:
        """Address and port of the client: of the end that `up` comes from, unless turned."""

    @property
    def server(self) -> tuple[bytes, int]:
        """Address and port of the other end."""

    @property
    def packet(self) -> int:
        """The reference of its first packet."""

    @property
    def opened_at(self) -> int:
        """When its first packet came, in ns."""

    @property
    def last_at(self) -> int:
        """When its last packet came that was no acknowledgement alone, in ns."""

    @property
    def midstream(self) -> bool:
        """Whether it began before the capture, so that its ends are guessed."""

    @property
    def outcome(self) -> ConnectOutcome:
        """What became of the attempt to connect."""

    @property
    def closed_at(self) -> int | None:
        """When its first FIN or RST came, in ns."""

    @property
    def closed_by(self) -> ClosedBy | None:
        """Whose FIN or RST came first; None: it is open."""

    @property
    def closed_packet(self) -> int | None:
        """The reference of the packet with the first FIN or RST."""

    @property
    def close_unseen(self) -> bool:
        """Whether a FIN was acknowledged that is not in the capture."""

    @property
    def bytes_up(self) -> int:
        """Bytes from the client so far, those that are missing before later ones included."""

    @property
    def bytes_down(self) -> int:
        """The same from the server."""

    @property
    def carried(self) -> bool:
        """Whether a byte of data was seen in either direction."""

    @property
    def lacks_up(self) -> bool:
        """Whether the server acknowledged bytes of the client that were not seen (yet)."""

    @property
    def half_heard(self) -> bool:
        """Whether one end acknowledged something of the other, of which no packet was captured.

        A SYN that nobody answers acknowledges nothing: its silence is the network's.
        """

    @property
    def answer_unheard(self) -> bool:
        """Whether of a server that answered nothing was captured but acknowledgements.

        Its SYN-ACK is missing, and so may be all that it said; its client acknowledged it.
        """

    @property
    def unacknowledged(self) -> Unacknowledged | None:
        """What one end sent again and again, and the other never acknowledged."""

    @property
    def zero_windows(self) -> int:
        """Segments that announced a window of 0."""

    @property
    def retransmissions(self) -> int:
        """Segments with bytes that had been sent before."""


class Engine(Protocol):
    """Joins the packets of one capture to streams; `engine.PacketEngine` specifies it."""

    notes: FlowNotes

    def feed(self, batch: Batch) -> Iterator[Delivery]:
        """Take the packets of one batch; never raises for what is in them."""

    def flush(self) -> Iterator[Delivery]:
        """What is held back for a batch, or passed unseen (a live capture's tick)."""

    def finish(self) -> Iterator[Delivery]:
        """The capture is over: what is left, and every open connection's end."""

    def want(self, stream: int, up: bool, count: int) -> None:
        """How many further bytes of a direction may pass unseen; `BATCH`: show them, merged.

        To be asked while a delivery of that direction is handled.  `BATCH` and `IN_PLACE` hold
        until something else is asked; a number until as many bytes passed, or until a `Run`.
        The engine may always show more than is wanted.
        """

    def lost(self) -> None:
        """The bytes of the `Cut` that was delivered last cannot be done without."""

    def refuse(self) -> None:
        """The connection of the `Opening` that was delivered last is out of scope."""

    def turn(self, stream: int) -> None:
        """The ends were guessed the wrong way round (mid-stream only): turn the view."""

    def forget(self) -> list[LeftOut]:
        """Drop every connection undelivered, and number the next one 1: the scope got narrower.

        Those of them that had carried data.
        """


class PlacingEngine(Engine, Protocol):
    """An engine for whoever decodes by itself, to know where in a frame the bytes are."""

    def take(self, segment: TcpPacket, at: int, packet: int) -> Iterator[Delivery]:
        """Take one decoded segment."""

    def place(self, key: bytes, sequence: int) -> Place | None:
        """Where the byte with this sequence number lies of the direction of a segment's `key`.

        None: in no stream.  To be asked when the segment was taken, or of its second copy.
        """
