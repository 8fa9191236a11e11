"""The connection table: which packets belong together, from the first to the last.

A key is a direction of a connection: addresses and ports as they stand in the
packet, after the context (VLAN ids, VNI) the frame came in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from typing import Final, Literal, TypeAlias

from inspector.flows import acceptance
from inspector.flows.acceptance import Challenger, Mark, SegmentArguments, is_alive
from inspector.flows.addresses import likely_client, plain_reverse
from inspector.flows.contract import Closed, Delivery, LeftOut, Opened, Opening
from inspector.flows.decode import TcpPacket
from inspector.flows.notes import FlowNotes
from inspector.flows.reassembly import Reassembler
from inspector.flows.stream import UNKNOWN, Half, TcpConnection
from inspector.flows.tcp import ACK, SEQUENCE_MASK, SYN, distance

#: Closed connections whose late packets are still looked at (a last
#: acknowledgement, the second copy of a frame).
LINGERING: Final = 128
#: Closed or out-of-scope connections whose late packets are known to be of no interest.
UNINTERESTING: Final = 4096
#: Connections that were reset before anything was said and may still say something.
RESTING: Final = 1024
#: Connections open at one time; beyond it the oldest is given up.
OPEN_LIMIT: Final = 200_000
#: Two copies of one frame are this close in sequence space.
TWIN_WINDOW: Final = 1 << 20

FAULTS: Final[dict[str, str]] = {
    "open-connections-limit": "More connections were open at once than the limit; the oldest"
    " was closed early.",
}


#: A direction of a connection -> where it stands; False: it is of no interest.
KeyTable: TypeAlias = "dict[bytes, Half | Literal[False]]"
PastKeys: TypeAlias = "dict[bytes, tuple[int, int]]"


class ConnectionTable:
    """Opens, finds and closes connections.

    `keys` is what the packet loop looks up: a direction of a connection, or
    False for packets that are of no interest (closed, or refused as out of scope).
    `past` has, of closed connections that are False in `keys`, their number and where they ended.
    An engine that looks up by itself gives both, to be told of changes.
    """

    def __init__(
        self,
        notes: FlowNotes,
        reassembler: Reassembler,
        keys: KeyTable | None = None,
        past: PastKeys | None = None,
    ) -> None:
        self.keys: KeyTable = {} if keys is None else keys
        self.past: PastKeys = {} if past is None else past
        self.connections: dict[int, TcpConnection] = {}
        # Connections out of scope that carried nothing yet: the other direction, and the ends.
        self._unspoken: dict[bytes, tuple[bytes, tuple[bytes, bytes, int, int]]] = {}
        self._notes = notes
        self._reassembler = reassembler
        #: The answer to the `Opening` that is being delivered.
        self.is_refused = False
        self._number = 0
        # No open connection has a lower number: a dict that is emptied from its front
        # walks over all that was there to find its first.
        self._oldest = 1
        self._uninteresting: deque[bytes] = deque()
        self._resting: dict[int, None] = {}
        self._lingering: deque[TcpConnection] = deque()
        # Connections with a context by their keys without it.
        self._tagged: dict[bytes, Half] = {}

    def reused(
        self,
        half: Half | Literal[False],
        segment: SegmentArguments,
    ) -> Generator[Delivery, None, Half | Literal[False] | None]:
        """A SYN on a known key: a retransmission, or the port pair used again.

        None: it opens another connection.  False: it may, what follows will tell.
        """
        key, _, _, sequence, _, flags, _, (at, packet, _), _ = segment
        if half is False:
            del self.keys[key]
            self._forget_key(key)
            return None
        # A server sends no SYN alone: whoever was taken for the client was not.
        connection = half.connection
        turned = not (flags & ACK or half.up or connection.midstream or connection.finished)
        if half.base == UNKNOWN and connection.finished:
            return None
        if half.base == UNKNOWN and not turned:
            other = half.connection.midstream and not flags & ACK
            if not other or half.peer.acked == (sequence + 1) & SEQUENCE_MASK:
                return half
        elif distance(sequence + 1, half.base) == 0:
            if not turned or half.connection.syn_seen:
                return half
        elif flags & ACK and half.up:
            # A client never sends one; in a simultaneous open it has the SYN's own number.
            self._notes.fault("syn-in-connection", packet, acceptance.FAULTS)
            return False
        if flags & ACK and not half.up and half.next == half.base:
            return half  # a second SYN-ACK with another number: no new connection
        if turned or is_alive(half.connection):
            self._challenge(half, sequence, segment)
            return False
        yield from self.close(half.connection, at, packet)
        return None

    def _challenge(self, half: Half, sequence: int, segment: SegmentArguments) -> None:
        """A SYN within a live connection: an end that still has it answers and goes on."""
        connection = half.connection
        before = connection.challenger
        if before is not None and before.half is half and before.sequence == sequence:
            return
        self.dismiss(connection)
        marks = (Mark.of(half), Mark.of(half.peer))
        connection.challenger = Challenger(half, sequence, segment, marks)

    def dismiss(self, connection: TcpConnection) -> None:
        """The connection goes on: a SYN within it opened nothing."""
        if connection.challenger is not None:
            packet = connection.challenger.packet
            self._notes.fault("syn-in-connection", packet, acceptance.FAULTS)
            connection.challenger = None

    def reset(self, half: Half, at: int, packet: int) -> Iterator[Delivery]:
        """A RST of the end of `half` ends the connection."""
        if half.connection.outcome == "unanswered" and not half.up:
            half.connection.outcome = "refused"
        yield from self._reassembler.reset(half, at, packet)

    def late(self, half: Half, end: int, packet: int) -> None:
        """Data up to the sequence number `end`, behind the close of its connection.

        What was sent before, and what crossed a RST of the other end on the
        wire, is nobody's loss.
        """
        if _may_not_go_on(half) and distance(end, half.next) > 0:
            self._note_late(half.connection.number, packet)

    def late_for(self, key: bytes, end: int, packet: int) -> Iterator[Delivery]:
        """The same for a connection of which only its keys are remembered."""
        waiting = self._unspoken.get(key)
        if waiting is not None:
            reverse, ends = waiting
            yield LeftOut(*ends)
            for direction in (key, reverse):
                self._forget_key(direction)
            return
        number, last = self.past.get(key, (0, 0))
        if number and distance(end, last) > 0:
            self._note_late(number, packet)

    def _wait_for_data(
        self, key: bytes, reverse: bytes, ends: tuple[bytes, bytes, int, int]
    ) -> None:
        """Out of scope, and without data so far: `past` makes the packet loop show the first."""
        for one, other in ((key, reverse), (reverse, key)):
            self.past[one] = (0, 0)
            self._unspoken[one] = (other, ends)

    def _forget_key(self, key: bytes) -> None:
        self.past.pop(key, None)
        self._unspoken.pop(key, None)

    def _note_late(self, number: int, packet: int) -> None:
        self._notes.fault("data-after-close", packet, acceptance.FAULTS)
        self._notes.unread.note(number, "after-close", packet)

    def settle(self) -> None:
        """The capture is over: look at all that was closed lately, and let go of it.

        Its last packets are there to be compared, credentials and all.
        """
        for connection in self._lingering:
            self._detach(connection)
        self._lingering.clear()

    def _look_back(self, connection: TcpConnection) -> None:
        """Whether the sender of a RST went on: then nobody took it."""
        sender = connection.closing
        if sender is not None and sender.went_on:
            self._note_late(connection.number, sender.half.last_packet or connection.packet)

    def open(
        self,
        key: bytes,
        decoded: TcpPacket | None,
        sequence: int,
        acknowledged: int,
        flags: int,
        has_data: bool,
        at: int,
        packet: int,
    ) -> Generator[Delivery, None, Half | Literal[False]]:
        """The first packet of a connection (or of none: a late one, or out of scope).

        One that opens none may be the first that is seen of a direction with a tag of its own.
        """
        opens = bool(flags & SYN) or has_data
        if not opens and decoded is None and not self._tagged:
            return False
        if decoded is None:
            source, sport = key[0:4], int.from_bytes(key[8:10], "big")
            destination, dport = key[4:8], int.from_bytes(key[10:12], "big")
            reverse = plain_reverse(key)
        else:
            source, sport, destination, dport = (
                decoded.source,
                decoded.sport,
                decoded.destination,
                decoded.dport,
            )
            reverse = decoded.reverse
        plain = key if decoded is None else key[-2 * len(source) - 4 :]
        if self._tagged or plain is not key:
            twin = self._twin(key, plain, sequence, acknowledged, flags)
            if twin is not None:
                return twin
        if not opens:
            return False
        self.is_refused = False
        yield Opening(source, destination, sport, dport)
        if self.is_refused:
            self._ignore(key, reverse)
            if has_data:
                yield LeftOut(source, destination, sport, dport)
            else:
                self._wait_for_data(key, reverse, (source, destination, sport, dport))
            return False
        from_client = not flags & ACK if flags & SYN else likely_client(sport, dport)
        if len(self.connections) >= OPEN_LIMIT:
            self._notes.fault("open-connections-limit", packet, FAULTS)
            self._notes.limits_hit["open connections"] = None
            while self._oldest not in self.connections:
                self._oldest += 1
            oldest = self.connections[self._oldest]
            self._notes.unread.note(oldest.number, "limit", packet)
            yield from self.close(oldest, at, packet)
        self._number += 1
        keys = (key, reverse) if from_client else (reverse, key)
        connection = TcpConnection(self._number, len(source), keys, at, packet)
        if not flags & SYN:
            connection.midstream = True
            connection.outcome = "midstream"
            self._notes.midstream_connections += 1
            self._notes.unread.note(self._number, "midstream", packet)
        self.connections[connection.number] = connection
        self._reassembler.showing.share(len(self.connections))
        self.keys[connection.key] = connection.up
        self.keys[connection.reverse] = connection.down
        half = connection.up if from_client else connection.down
        if len(plain) != len(key):
            self._tagged[plain] = half
            self._tagged[plain_reverse(plain)] = half.peer
            connection.aliases += (plain, plain_reverse(plain))
        yield Opened(connection.number, connection)
        return half

    def close(self, connection: TcpConnection, at: int, packet: int) -> Iterator[Delivery]:
        """Report a connection; late packets are still known as its own for a while."""
        if connection.finished:
            return
        self.dismiss(connection)
        held = connection.held_reset
        if held is not None and not connection.reset_seen:
            if held.sender.went_on:
                self._notes.fault("reset-not-in-window", held.packet, acceptance.FAULTS)
            else:
                yield from self.reset(held.sender.half, held.at, held.packet)
        connection.finished = True
        closing = connection.closing
        if closing is not None and closing.went_on:
            closing = None  # its RST found nothing said, and what followed was read
        yield from self._reassembler.finish(connection, at, packet)
        if connection.answer_unheard:
            connection.outcome = "established"
            self._notes.unopened += 1
            self._notes.unread.note(connection.number, "gap", connection.packet)
        connection.closing = None if closing is None else Mark.of(closing.half)
        self.connections.pop(connection.number, None)
        self._resting.pop(connection.number, None)
        self._reassembler.showing.share(len(self.connections))
        connection.report()
        yield Closed(connection.number, at, packet)
        self._lingering.append(connection)
        if len(self._lingering) > LINGERING:
            self._detach(self._lingering.popleft())

    def rest(self, connection: TcpConnection, at: int, packet: int) -> Iterator[Delivery]:
        """Reset before a byte was said: mostly refused, but data may follow (scanners)."""
        resting = self._resting
        if connection.number not in resting:
            resting[connection.number] = None
            if len(resting) > RESTING:
                oldest = self.connections.get(next(iter(resting)))
                if oldest is not None:
                    yield from self.close(oldest, at, packet)

    def _twin(
        self, key: bytes, plain: bytes, sequence: int, acknowledged: int, flags: int
    ) -> Half | None:
        """The same connection under another context: one frame seen on two sides of a tag.

        A mirror port, or a capture on both a VLAN and its parent, shows each
        frame with and without its tag.  Sequence numbers tell such a twin from
        another connection between equal addresses in another VLAN.  Where each
        direction has a tag of its own, an answer is known by what it acknowledges.
        """
        half = self._tagged.get(plain)
        if half is None and len(key) != len(plain):
            half = self.keys.get(plain) or None
        if half is None:
            return None
        if half.next == UNKNOWN:
            if not _answers(half.peer, acknowledged, flags):
                return None
        elif abs(distance(sequence, half.next)) > TWIN_WINDOW:
            return None
        # The other direction may pass the tag's two sides in the other order.
        reverse = key[: len(key) - len(plain)] + plain_reverse(plain)
        for alias, direction in ((key, half), (reverse, half.peer)):
            if not self.keys.get(alias):
                self.keys[alias] = direction
                half.connection.aliases += (alias,)
        return half

    def _detach(self, connection: TcpConnection) -> None:
        """Drop a closed connection, but keep its keys on the ignore list."""
        self._look_back(connection)
        for key in connection.aliases:
            self._tagged.pop(key, None)
        table = self.keys
        for key in (connection.key, connection.reverse, *connection.aliases):
            half = table.get(key)
            if half and half.connection is connection:
                self._ignore(key)
                if _may_not_go_on(half):
                    self.past[key] = (connection.number, half.next)
        connection.up.retire()
        connection.down.retire()

    def _ignore(self, *keys: bytes) -> None:
        table = self.keys
        waiting = self._uninteresting
        for key in keys:
            table[key] = False
            self._forget_key(key)
        waiting += keys
        while len(waiting) > 2 * UNINTERESTING:
            old = waiting.popleft()
            if table.get(old) is False:
                del table[old]
                self._forget_key(old)

    def forget(self) -> list[LeftOut]:
        """Drop every connection undelivered, and number the next one 1."""
        left_out = []
        for connection in self.connections.values():
            if connection.carried:
                (client, port), (server, service) = connection.client, connection.server
                left_out.append(LeftOut(client, server, port, service))
        for connection in (*self.connections.values(), *self._lingering):
            self._detach(connection)
        self.connections.clear()
        self._lingering.clear()
        self._resting.clear()
        self.past.clear()
        self._unspoken.clear()
        self._number = 0
        self._oldest = 1
        return left_out


def _answers(asked: Half, acknowledged: int, flags: int) -> bool:
    """Whether an acknowledgement is one of what the direction `asked` sent."""
    if not flags & ACK or asked.next == UNKNOWN:
        return False
    if flags & SYN:
        return 0 <= distance(acknowledged, asked.base) <= asked.bytes
    return abs(distance(acknowledged, asked.next)) <= TWIN_WINDOW


def _may_not_go_on(half: Half) -> bool:
    """Whether more data of a direction of a closed connection says that it was not closed.

    What crosses a RST of the other end on the wire says nothing.
    """
    closing = half.connection.closing
    return half.next != UNKNOWN and (closing is None or closing.half is half)
