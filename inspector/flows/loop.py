"""The hot loop: packets to TCP streams.

Everything common is done here without a call: Ethernet or SLL, IPv4 without
options or fragments, TCP, and the segment is the next one of a known
connection.  Pure acknowledgements leave first.  What is rare leaves through
one of three doors: `SlowDecoder` (other links, tags, fragments, IPv6,
encapsulations), `Reassembler` (anything but the next bytes) and `_open` (a new
connection).

Measured on one core of a small cloud machine with Python 3.11: see
`benchmarks/README.md`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from struct import Struct
from typing import Final, Literal

from inspector.facts import Fault
from inspector.flows.decode import IcmpUnreachable, SlowDecoder, TcpPacket
from inspector.flows.reassembly import FlowNotes, Reassembler
from inspector.flows.stream import UNKNOWN, Half, StreamReader, TcpConnection, distance
from inspector.packets import Batch

FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
ACK: Final = 0x10

#: Link type -> where the IPv4 header starts, for links whose ethertype stands
#: in the two bytes before it: Ethernet and Linux cooked capture v1.
FAST_LINKS: Final[dict[int, int]] = {1: 14, 113: 16}

#: From the ethertype on: ethertype, version and IHL, total length,
#: identification, fragment field, protocol, both addresses and both ports as
#: one 12-byte key, sequence, acknowledgement, data offset, flags, window.
_FAST: Final = Struct(">H B x H H H x B 2x 12s I I B B H")

#: Closed connections whose late packets are still looked at (a last
#: acknowledgement, the second copy of a frame).
LINGERING: Final = 128
#: Closed or out-of-scope connections whose late packets are known to be of no interest.
UNINTERESTING: Final = 4096
#: Connections that were reset before anything was said and may still say something.
RESTING: Final = 1024
#: Connections open at one time; beyond it the oldest is given up.
OPEN_LIMIT: Final = 200_000
#: Servers listen on few ports below this; clients use the ports above.
_EPHEMERAL: Final = 32768

FAULTS: Final[dict[str, str]] = {
    "bad-tcp-header": "A TCP header is shorter than 20 bytes or longer than its segment.",
    "open-connections-limit": "More connections were open at once than the limit; the oldest"
    " was closed early.",
}

#: Two packets of one frame are this close in sequence space.
TWIN_WINDOW: Final = 1 << 20

#: A SYN-ACK or RST has IP identification 0 on Linux; seen again this soon it is the
#: same frame, later it is a retransmission (the kernel's first is after 1 s).
TWICE_WITHIN_NS: Final = 5_000_000

Scope = Callable[[bytes, bytes, int, int], bool]
Opened = Callable[[TcpConnection], StreamReader]
Closed = Callable[[TcpConnection], None]


class PacketLoop:
    """Feeds batches of packets, keeps the connection table, calls readers.

    `in_scope(source, destination, sport, dport)` tells whether a connection
    between these addresses is looked at; `opened` makes its reader; `closed`
    takes it when nothing more can come.
    """

    def __init__(self, *, in_scope: Scope, opened: Opened, closed: Closed) -> None:
        self.notes = FlowNotes()
        self._in_scope = in_scope
        self._opened = opened
        self._closed = closed
        self._reassembler = Reassembler(self.notes)
        self._decoder = SlowDecoder()
        # False: a key whose packets are of no interest (closed, or out of scope).
        self._table: dict[bytes, Half | Literal[False]] = {}
        self._connections: dict[int, TcpConnection] = {}
        self._uninteresting: deque[bytes] = deque()
        self._resting: dict[int, None] = {}
        self._lingering: deque[TcpConnection] = deque()
        # Connections with a context (VLAN, VNI) by their keys without it.
        self._tagged: dict[bytes, Half] = {}
        self._number = 0
        self._at = 0
        self._packet = 0

    def feed(self, batch: Batch) -> None:
        """Take the packets of one batch."""
        link = batch.link_type
        skip_link = FAST_LINKS.get(link)
        packet = batch.first_packet - 1
        self.notes.packets += len(batch.records)
        if skip_link is None:
            for at, start, captured, wire in batch.records:
                packet += 1
                self._slow(link, batch.data, start, captured, wire, at, packet)
            return
        data = batch.data
        unpack = _FAST.unpack_from
        lookup = self._table.get
        flush = self._reassembler.flush
        deliver = self._reassembler.deliver
        settle = self._reassembler.settle
        before_ip = skip_link - 2
        shortest = skip_link + 40
        fast = 0
        duplicates = 0
        at = self._at
        for at, start, captured, wire in batch.records:
            packet += 1
            if captured < shortest:
                self._slow(link, data, start, captured, wire, at, packet)
                continue
            (
                ethertype, version, total, ident, fragment, protocol, key,
                sequence, acknowledged, offset, flags, window,
            ) = unpack(data, start + before_ip)  # fmt: skip
            if (
                version != 0x45
                or protocol != 6
                or ethertype != 0x0800
                or fragment & 0x3FFF
                or total < 40
            ):
                self._slow(link, data, start, captured, wire, at, packet)
                continue
            header = (offset >> 2) & 0x3C
            count = total - 20 - header
            half = lookup(key)
            if half:
                if not flags & 0x07:
                    if count == 0:
                        # A pure acknowledgement (or a zero-window announcement).
                        fast += 1
                        if ident:
                            slot = ident & 15
                            signature = ident << 32 | acknowledged
                            if half.recent[slot] == signature:
                                duplicates += 1
                                continue
                            half.recent[slot] = signature
                        half.acked = acknowledged
                        if not window:
                            half.connection.zero_windows += 1
                        continue
                    if (
                        sequence == half.next
                        and count > 0
                        and header >= 20
                        and total + skip_link <= captured
                        and half.fin < 0
                        and not half.early
                    ):
                        fast += 1
                        if ident:
                            half.recent[ident & 15] = ident << 32 | sequence
                        half.acked = acknowledged
                        following = sequence + count
                        if following > 0xFFFFFFFF:
                            following &= 0xFFFFFFFF
                            half.wraps += 1
                        half.next = following
                        skip = half.skip
                        if skip > count:
                            half.skip = skip - count
                            half.last_at = at
                            half.last_packet = packet
                            continue
                        begin = start + skip_link + 20 + header
                        if skip:
                            half.skip = 0
                            half.last_at = at
                            half.last_packet = packet
                            settle(half)
                            if skip == count:
                                continue
                            piece = data[begin + skip : begin + count]
                        else:
                            piece = data[begin : begin + count]
                        if half.batch:
                            half.pending.append((at, packet, piece))
                            half.room -= count
                            if half.room < 0:
                                flush(half)
                        else:
                            deliver(half, [(at, packet, piece)])
                        continue
            elif half is False and not flags & SYN:
                fast += 1
                continue
            if header < 20 or count < 0:
                self.notes.tcp_packets += 1
                self._fault("bad-tcp-header", packet)
                continue
            begin = start + skip_link + 20 + header
            end = min(begin + count, start + captured)
            self._segment(
                key, None, ident, sequence, acknowledged, flags, window,
                (at, packet, data[begin:end]), count - max(0, end - begin),
            )  # fmt: skip
        self.notes.tcp_packets += fast
        self.notes.duplicate_packets += duplicates
        self._at = at
        self._packet = packet

    def finish(self) -> None:
        """The capture is over."""
        for connection in list(self._connections.values()):
            self._close(connection)

    def flush(self) -> None:
        """Give readers everything that is held for a batch (a live capture's tick)."""
        for connection in list(self._connections.values()):
            for half in (connection.up, connection.down):
                self._reassembler.flush(half)
                self._reassembler.settle(half)

    def forget(self) -> None:
        """Drop every connection unreported: the scope has become narrower."""
        for connection in (*self._connections.values(), *self._lingering):
            self._detach(connection)
        self._connections.clear()
        self._lingering.clear()
        self._resting.clear()
        self._number = 0
        self.notes.missing.clear()
        self.notes.midstream_connections = 0

    # -- the doors ---------------------------------------------------------

    def _slow(
        self, link: int, data: bytes, start: int, captured: int, wire: int, at: int, packet: int
    ) -> None:
        decoder = self._decoder
        self._at, self._packet = at, packet
        found = decoder.decode(link, data, start, captured, wire, at)
        if decoder.faults:
            for name, detail in decoder.faults:
                self.notes.oddities.add(Fault(name, packet, detail))
            decoder.faults.clear()
        if isinstance(found, TcpPacket):
            self._segment(
                found.key, found, found.ident, found.seq, found.ack, found.flags,
                found.window, (at, packet, found.data[found.start : found.end]), found.missing,
            )  # fmt: skip
        elif isinstance(found, IcmpUnreachable):
            half = self._table.get(found.key)
            if half and half.connection.outcome == "unanswered":
                half.connection.outcome = "unreachable"
            self._count_other("icmp-unreachable")
        else:
            self._count_other(found)

    def _segment(
        self,
        key: bytes,
        decoded: TcpPacket | None,
        ident: int,
        sequence: int,
        acknowledged: int,
        flags: int,
        window: int,
        payload: tuple[int, int, bytes],
        missing: int,
    ) -> None:
        """Any TCP segment that is not simply the next one of a known connection."""
        at, packet, data = payload
        self._at, self._packet = at, packet
        self.notes.tcp_packets += 1
        half = self._table.get(key)
        if half is not None and flags & SYN:
            half = self._reused(key, half, sequence, flags)
        if half is None:
            half = self._open(
                key, decoded, sequence, flags, bool(data) or missing > 0, at, packet
            )
        if not half:
            return
        connection = half.connection
        counts = bool(data) or missing > 0
        repeated = False
        if ident:
            signature = ident << 32 | (
                sequence if counts or flags & (SYN | FIN | RST) else acknowledged
            )
            repeated = half.recent[ident & 15] == signature
            half.recent[ident & 15] = signature
        if flags & ACK:
            half.acked = acknowledged
        if not window and not flags & RST:
            connection.zero_windows += 1
        if repeated and not counts:
            self.notes.duplicate_packets += 1
            return
        if flags & SYN:
            self._synchronise(half, sequence, at)
            sequence += 1
        if counts:
            self._reassembler.segment(half, sequence & 0xFFFFFFFF, payload, missing, repeated)
            if connection.outcome == "unanswered" and not half.up:
                connection.outcome = "established"
        soon = at - connection.last_at < TWICE_WITHIN_NS
        if flags & RST and not ident and connection.reset_seen and soon:
            self.notes.duplicate_packets += 1
        if connection.finished:
            return
        if flags & RST:
            if connection.outcome == "unanswered" and not half.up:
                connection.outcome = "refused"
            self._reassembler.reset(half, at, packet)
        elif flags & FIN:
            end = (sequence + len(data) + missing) & 0xFFFFFFFF
            self._reassembler.fin(half, end, at, packet)
        connection.last_at = at
        if connection.is_over:
            self._close(connection)
        elif connection.reset_seen:
            self._rest(connection)

    def _synchronise(self, half: Half, sequence: int, at: int) -> None:
        connection = half.connection
        if half.next == UNKNOWN:
            half.start(sequence + 1)
            half.last_at = at
        elif at - half.last_at < TWICE_WITHIN_NS and half.next == half.base:
            self.notes.duplicate_packets += 1
        if not half.up:
            connection.outcome = "established"
        else:
            connection.syn_seen = True

    def _reused(
        self, key: bytes, half: Half | Literal[False], sequence: int, flags: int
    ) -> Half | None:
        """A SYN on a known key: a retransmission, or the port pair used again."""
        if half is False:
            del self._table[key]
            return None
        if half.base == UNKNOWN or distance(sequence + 1, half.base) in (0, -1):
            return half  # -1: `base` counts its FIN once that was seen
        if flags & ACK and not half.up and half.next == half.base:
            return half  # a second SYN-ACK with another number: no new connection
        self._close(half.connection)
        return None

    def _open(
        self,
        key: bytes,
        decoded: TcpPacket | None,
        sequence: int,
        flags: int,
        has_data: bool,
        at: int,
        packet: int,
    ) -> Half | Literal[False]:
        """The first packet of a connection (or of none: a late one, or out of scope)."""
        if not flags & SYN and not has_data:
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
            twin = self._twin(key, plain, sequence)
            if twin is not None:
                return twin
        if not self._in_scope(source, destination, sport, dport):
            self._ignore(key, reverse)
            return False
        if flags & SYN:
            from_client = not flags & ACK
        else:
            from_client = _likely_client(sport, dport)
        if len(self._connections) >= OPEN_LIMIT:
            self._fault("open-connections-limit", packet)
            self.notes.limits_hit["open connections"] = None
            self._close(next(iter(self._connections.values())))
        self._number += 1
        ends = ((source, sport), (destination, dport))
        keys = (key, reverse)
        if not from_client:
            ends = (ends[1], ends[0])
            keys = (reverse, key)
        connection = TcpConnection(self._number, ends[0], ends[1], keys, at, packet)
        if not flags & SYN:
            connection.midstream = True
            connection.outcome = "midstream"
            self.notes.midstream_connections += 1
        connection.reader = self._opened(connection)
        self._connections[connection.number] = connection
        self._table[connection.key] = connection.up
        self._table[connection.reverse] = connection.down
        half = connection.up if from_client else connection.down
        if len(plain) != len(key):
            self._tagged[plain] = half
            self._tagged[plain_reverse(plain)] = half.peer
            connection.aliases += (plain, plain_reverse(plain))
        return half

    def _twin(self, key: bytes, plain: bytes, sequence: int) -> Half | None:
        """The same connection under another context: one frame seen on two sides of a tag.

        A mirror port, or a capture on both a VLAN and its parent, shows each
        frame with and without its tag.  Sequence numbers tell such a twin from
        another connection between equal addresses in another VLAN.
        """
        half = self._tagged.get(plain)
        if half is None and len(key) != len(plain):
            half = self._table.get(plain) or None
        if half is None or half.next == UNKNOWN:
            return None
        if abs(distance(sequence, half.next)) > TWIN_WINDOW:
            return None
        self._table[key] = half
        half.connection.aliases.append(key)
        return half

    def _rest(self, connection: TcpConnection) -> None:
        """Reset before a byte was said: mostly refused, but data may follow (scanners)."""
        resting = self._resting
        if connection.number not in resting:
            resting[connection.number] = None
            if len(resting) > RESTING:
                oldest = self._connections.get(next(iter(resting)))
                if oldest is not None:
                    self._close(oldest)

    def _ignore(self, *keys: bytes) -> None:
        table = self._table
        waiting = self._uninteresting
        for key in keys:
            table[key] = False
        waiting += keys
        while len(waiting) > 2 * UNINTERESTING:
            old = waiting.popleft()
            if table.get(old) is False:
                del table[old]

    def _close(self, connection: TcpConnection) -> None:
        """Report a connection; late packets are still known as its own for a while."""
        if connection.finished:
            return
        connection.finished = True
        self._reassembler.finish(connection, self._at, self._packet)
        self._connections.pop(connection.number, None)
        self._resting.pop(connection.number, None)
        self._closed(connection)
        self._lingering.append(connection)
        if len(self._lingering) > LINGERING:
            self._detach(self._lingering.popleft())

    def _detach(self, connection: TcpConnection) -> None:
        """Forget a closed connection, but not that its keys are of no interest."""
        for key in connection.aliases:
            self._tagged.pop(key, None)
        table = self._table
        keys = (connection.key, connection.reverse, *connection.aliases)
        self._ignore(
            *(key for key in keys if (half := table.get(key)) and half.connection is connection)
        )

    def _count_other(self, reason: str) -> None:
        others = self.notes.other_packets
        others[reason] = others.get(reason, 0) + 1

    def _fault(self, name: str, packet: int) -> None:
        self.notes.oddities.add(Fault(name, packet, FAULTS[name]))


def plain_reverse(plain: bytes) -> bytes:
    """The key of the opposite direction, for a key without context."""
    width = (len(plain) - 4) // 2
    return plain[width : 2 * width] + plain[:width] + plain[-2:] + plain[-4:-2]


def _likely_client(sport: int, dport: int) -> bool:
    """Of a connection whose SYN was not captured, is the sender the client?"""
    if (sport < _EPHEMERAL) != (dport < _EPHEMERAL):
        return dport < _EPHEMERAL
    return dport < sport
