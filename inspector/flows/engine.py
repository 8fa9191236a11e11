"""The engine: packets to TCP streams, as `contract` specifies it.

Everything common is done here without a call: Ethernet or SLL, IPv4 without
options or fragments, TCP, and the segment is the next one of a known
connection.  Pure acknowledgements leave first.  What is rare leaves to
`RarePackets`, and from there through one of three doors: `SlowDecoder` (other
links, tags, fragments, IPv6, encapsulations), `Reassembler` (anything but the
next bytes) and `ConnectionTable.open` (a new connection).

Measured on one core of a small cloud machine with Python 3.11: see
`benchmarks/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from struct import Struct
from typing import Final

from inspector.flows.contract import IN_PLACE, Delivery, LeftOut, Place
from inspector.flows.decode import FAST_LINKS, TcpPacket
from inspector.flows.notes import FlowNotes
from inspector.flows.rare import RarePackets
from inspector.flows.reassembly import Reassembler
from inspector.flows.stream import UNKNOWN
from inspector.flows.table import ConnectionTable
from inspector.flows.tcp import SYN, distance
from inspector.wire import Batch, Record

#: From the ethertype on: ethertype, version and IHL, total length,
#: identification, fragment field, protocol, both addresses and both ports as
#: one 12-byte key, sequence, acknowledgement, data offset, flags, window.
_FAST: Final = Struct(">H B x H H H x B 2x 12s I I B B H")

FAULTS: Final[dict[str, str]] = {
    "bad-tcp-header": "A TCP header is shorter than 20 bytes or longer than its segment.",
}


class PacketEngine:
    """Takes batches of packets and delivers their streams (see `contract.Engine`)."""

    def __init__(
        self, table: Callable[[FlowNotes, Reassembler], ConnectionTable] = ConnectionTable
    ) -> None:
        self.notes = FlowNotes()
        self._reassembler = Reassembler(self.notes)
        self._showing = self._reassembler.showing
        self._table = table(self.notes, self._reassembler)
        self._rare = RarePackets(self.notes, self._table, self._reassembler)

    def feed(self, batch: Batch) -> Iterator[Delivery]:
        """Take the packets of one batch."""
        self.notes.packets += len(batch.records)
        self._reassembler.counted_cuts = batch.counted_cuts
        yield from self._walk(batch, batch.records, batch.first_packet)
        yield from self._showing.end_batch(len(batch.records))

    def _walk(self, batch: Batch, records: Iterable[Record], first: int) -> Iterator[Delivery]:
        """Take some of a batch's packets, which follow each other from the reference `first` on."""
        link = batch.link_type
        skip_link = FAST_LINKS.get(link)
        packet = first - 1
        slow, segment = self._rare.decode, self._rare.segment
        if skip_link is None:
            for at, start, captured, wire in records:
                packet += 1
                yield from slow(link, batch.data, start, captured, wire, at, packet)
            return
        data = batch.data
        unpack = _FAST.unpack_from
        lookup = self._table.keys.get
        past = self._table.past
        deliver, showing = self._reassembler.deliver, self._showing
        flush, settle, one = showing.flush, showing.settle, showing.one
        in_place = showing.in_place
        before_ip = skip_link - 2
        shortest = skip_link + 40
        fast = 0
        duplicates = 0
        at = self._rare.at
        for at, start, captured, wire in records:
            packet += 1
            if captured < shortest:
                yield from slow(link, data, start, captured, wire, at, packet)
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
                yield from slow(link, data, start, captured, wire, at, packet)
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
                            recent = half.recent
                            if recent is None:
                                recent = half.remember()
                            if recent[slot] == signature:
                                duplicates += 1
                                continue
                            recent[slot] = signature
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
                            recent = half.recent
                            if recent is None:
                                recent = half.remember()
                            recent[ident & 15] = ident << 32 | sequence
                        half.acked = acknowledged
                        half.last_at = at
                        if not window:
                            half.connection.zero_windows += 1
                        following = sequence + count
                        if following > 0xFFFFFFFF:
                            following &= 0xFFFFFFFF
                            half.wraps += 1
                        half.next = following
                        skip = half.skip
                        if skip > count:
                            half.skip = skip - count
                            half.last_packet = packet
                            continue
                        begin = start + skip_link + 20 + header
                        if skip:
                            half.skip = 0
                            half.last_packet = packet
                            yield from settle(half)
                            if skip == count:
                                continue
                        if half.batch == IN_PLACE:
                            half.lay(data, at, packet, begin + skip, begin + count)
                            half.room -= count
                            in_place[half] = None
                            continue
                        piece = data[begin + skip : begin + count]
                        if half.batch:
                            half.pending.append((at, packet, piece))
                            half.room -= count
                            if half.room < 0:
                                yield from flush(half)
                        else:
                            peer = half.peer
                            if peer.pending or peer.early or half.skip_asked:
                                yield from deliver(half, [(at, packet, piece)])
                            else:
                                yield one(half, (at, packet, piece))
                        continue
            elif half is False and not flags & SYN and (count <= 0 or key not in past):
                fast += 1
                continue
            if header < 20 or count < 0:
                self.notes.tcp_packets += 1
                self.notes.fault("bad-tcp-header", packet, FAULTS)
                continue
            begin = start + skip_link + 20 + header
            end = min(begin + count, start + captured)
            yield from segment(
                key, None, ident, sequence, acknowledged, flags, window,
                (at, packet, data[begin:end]), count - max(0, end - begin),
            )  # fmt: skip
        self.notes.tcp_packets += fast
        self.notes.duplicate_packets += duplicates
        self._rare.at, self._rare.packet = at, packet

    def take(self, found: TcpPacket, at: int, packet: int) -> Iterator[Delivery]:
        """Take one decoded segment."""
        self.notes.packets += 1
        yield from self._rare.segment(
            found.key, found, found.ident, found.seq, found.ack, found.flags,
            found.window, (at, packet, found.data[found.start : found.end]), found.missing,
        )  # fmt: skip

    def place(self, key: bytes, sequence: int) -> Place | None:
        """Where the byte with this number lies of a direction, in streams still known."""
        half = self._table.keys.get(key)
        if not half or half.next == UNKNOWN:
            return None
        following = half.next - half.ended  # a FIN is no byte
        return Place(half.connection.number, half.side, half.bytes + distance(sequence, following))

    def want(self, stream: int, up: bool, count: int) -> None:
        """How many further bytes of a direction may pass unseen."""
        connection = self._table.connections.get(stream)
        if connection is not None:
            half = connection.up
            self._showing.want(half if half.side is up else half.peer, count)

    def lost(self) -> None:
        """The cut that was delivered last cannot be done without."""
        self._reassembler.cut_is_lost = True

    def refuse(self) -> None:
        """The opening that was delivered last is out of scope."""
        self._table.is_refused = True

    def turn(self, stream: int) -> None:
        """The ends of a connection were guessed the wrong way round."""
        connection = self._table.connections.get(stream)
        if connection is not None:
            connection.turn()

    def finish(self) -> Iterator[Delivery]:
        """The capture is over."""
        rare = self._rare
        rare.close()
        at, packet = rare.at, rare.packet
        while self._table.connections:
            for connection in list(self._table.connections.values()):
                challenger = connection.challenger
                if challenger is not None and not challenger.is_outlived:
                    yield from rare.give_way(connection, challenger)
                else:
                    yield from self._table.close(connection, at, packet)
        self._table.settle()

    def flush(self) -> Iterator[Delivery]:
        """What is held back for a batch, or passed unseen (a live capture's tick)."""
        for connection in list(self._table.connections.values()):
            for half in (connection.up, connection.down):
                yield from self._showing.flush(half)
                yield from self._showing.settle(half)

    def forget(self) -> list[LeftOut]:
        """Drop every connection undelivered: the scope has become narrower."""
        left_out = self._table.forget()
        self._reassembler.forget()
        self.notes.missing.clear()
        self.notes.unread.clear_connections()
        self.notes.midstream_connections = self.notes.unopened = 0
        return left_out
