"""The engine: packets to TCP streams, as `contract` specifies it.

Everything common is done here without a call: Ethernet or SLL, IPv4 without
options or fragments, TCP, and the segment is the next one of a known
connection.  Pure acknowledgements leave first.  What is rare leaves through
one of three doors: `SlowDecoder` (other links, tags, fragments, IPv6,
encapsulations), `Reassembler` (anything but the next bytes) and
`ConnectionTable.open` (a new connection).

Measured on one core of a small cloud machine with Python 3.11: see
`benchmarks/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from struct import Struct
from typing import Final

from inspector.flows import acceptance
from inspector.flows.acceptance import Challenger, HeldReset, Mark, is_impossible, reset_is
from inspector.flows.contract import Delivery, LeftOut, Place
from inspector.flows.decode import FAST_LINKS, IcmpUnreachable, SlowDecoder, TcpPacket
from inspector.flows.notes import FlowNotes
from inspector.flows.reassembly import Reassembler
from inspector.flows.stream import UNKNOWN, Half, TcpConnection
from inspector.flows.table import ConnectionTable
from inspector.flows.tcp import ACK, FIN, RST, SYN, distance
from inspector.model.capture import Fault
from inspector.wire import Batch, Record

#: From the ethertype on: ethertype, version and IHL, total length,
#: identification, fragment field, protocol, both addresses and both ports as
#: one 12-byte key, sequence, acknowledgement, data offset, flags, window.
_FAST: Final = Struct(">H B x H H H x B 2x 12s I I B B H")

FAULTS: Final[dict[str, str]] = {
    "bad-tcp-header": "A TCP header is shorter than 20 bytes or longer than its segment.",
}

#: A SYN-ACK or RST has IP identification 0 on Linux; seen again this soon it is the
#: same frame, later it is a retransmission (the kernel's first is after 1 s).
TWICE_WITHIN_NS: Final = 5_000_000


class PacketEngine:
    """Takes batches of packets and delivers their streams (see `contract.Engine`)."""

    def __init__(
        self, table: Callable[[FlowNotes, Reassembler], ConnectionTable] = ConnectionTable
    ) -> None:
        self.notes = FlowNotes()
        self._reassembler = Reassembler(self.notes)
        self._showing = self._reassembler.showing
        self._table = table(self.notes, self._reassembler)
        self._decoder = SlowDecoder()
        self._at = 0
        self._packet = 0

    def feed(self, batch: Batch) -> Iterator[Delivery]:
        """Take the packets of one batch."""
        self.notes.packets += len(batch.records)
        self._reassembler.counted_cuts = batch.counted_cuts
        yield from self._walk(batch, batch.records, batch.first_packet)

    def _walk(self, batch: Batch, records: Iterable[Record], first: int) -> Iterator[Delivery]:
        """Take some of a batch's packets, which follow each other from the reference `first` on."""
        link = batch.link_type
        skip_link = FAST_LINKS.get(link)
        packet = first - 1
        if skip_link is None:
            for at, start, captured, wire in records:
                packet += 1
                yield from self._slow(link, batch.data, start, captured, wire, at, packet)
            return
        data = batch.data
        unpack = _FAST.unpack_from
        lookup = self._table.keys.get
        past = self._table.past
        deliver, showing = self._reassembler.deliver, self._showing
        flush, settle, shown = showing.flush, showing.settle, showing.shown
        before_ip = skip_link - 2
        shortest = skip_link + 40
        fast = 0
        duplicates = 0
        at = self._at
        for at, start, captured, wire in records:
            packet += 1
            if captured < shortest:
                yield from self._slow(link, data, start, captured, wire, at, packet)
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
                yield from self._slow(link, data, start, captured, wire, at, packet)
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
                            piece = data[begin + skip : begin + count]
                        else:
                            piece = data[begin : begin + count]
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
                                yield shown(half, [(at, packet, piece)])
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
            yield from self._segment(
                key, None, ident, sequence, acknowledged, flags, window,
                (at, packet, data[begin:end]), count - max(0, end - begin),
            )  # fmt: skip
        self.notes.tcp_packets += fast
        self.notes.duplicate_packets += duplicates
        self._at = at
        self._packet = packet

    def take(self, found: TcpPacket, at: int, packet: int) -> Iterator[Delivery]:
        """Take one decoded segment."""
        self.notes.packets += 1
        yield from self._segment(
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
        self._decoder.close()
        self._note_decoder_faults()
        at, packet = self._at, self._packet
        while self._table.connections:
            for connection in list(self._table.connections.values()):
                challenger = connection.challenger
                if challenger is not None and not challenger.is_outlived:
                    yield from self._give_way(connection, challenger)
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
        self.notes.unread.clear()
        self.notes.midstream_connections = self.notes.unopened = 0
        return left_out

    # -- the doors ---------------------------------------------------------

    def _slow(
        self, link: int, data: bytes, start: int, captured: int, wire: int, at: int, packet: int
    ) -> Iterator[Delivery]:
        decoder = self._decoder
        self._at, self._packet = at, packet
        found = decoder.decode(link, data, start, captured, wire, at)
        if decoder.faults:
            self._note_decoder_faults()
        if isinstance(found, TcpPacket):
            yield from self._segment(
                found.key, found, found.ident, found.seq, found.ack, found.flags,
                found.window, (at, packet, found.data[found.start : found.end]), found.missing,
            )  # fmt: skip
        elif isinstance(found, IcmpUnreachable):
            half = self._table.keys.get(found.key)
            if half and half.connection.outcome == "unanswered":
                half.connection.outcome = "unreachable"
            self._count_other("icmp-unreachable")
        else:
            if found == "truncated-header" and captured < wire:
                # Cut before it could tell whose it is.
                self.notes.truncated_packets += 1
                self.notes.unread.note(None, "truncated", packet)
            elif found == "too-many-layers":
                self.notes.limits_hit["headers of a packet"] = None
                self.notes.unread.note(None, "limit", packet)
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
    ) -> Iterator[Delivery]:
        """Any TCP segment that is not simply the next one of a known connection."""
        at, packet, data = payload
        self._at, self._packet = at, packet
        self.notes.tcp_packets += 1
        if flags & RST:
            flags &= ~SYN
        half = self._table.keys.get(key)
        if half and half.connection.challenger is not None:
            yield from self._contest(half, sequence, acknowledged, flags, bool(data) or missing > 0)
            half = self._table.keys.get(key)
        if half is not None and flags & SYN:
            half = yield from self._table.reused(
                half,
                (key, decoded, ident, sequence, acknowledged, flags, window, payload, missing),
            )
        if half is None:
            half = yield from self._table.open(
                key, decoded, sequence, acknowledged, flags, bool(data) or missing > 0, at, packet
            )
        if not half:
            if half is False and (data or missing):
                yield from self._table.late_for(key, sequence + len(data) + missing, packet)
            return
        connection = half.connection
        counts = bool(data) or missing > 0
        if not connection.finished:
            if flags & RST and not self._takes_reset(half, sequence, flags, acknowledged, at):
                return
            if flags & ACK and not flags & (SYN | RST) and is_impossible(half, acknowledged):
                self.notes.fault("impossible-acknowledgement", packet, acceptance.FAULTS)
                if counts:
                    self.notes.unread.note(connection.number, "after-close", packet)
                return
        repeated = False
        if ident:
            signature = ident << 32 | (
                sequence if counts or flags & (SYN | FIN | RST) else acknowledged
            )
            repeated = half.is_repeated(ident, signature)
        if flags & ACK:
            half.acked = acknowledged
        # Without an identification only time tells a copy from another packet.
        soon = at - connection.rare_at < TWICE_WITHIN_NS
        if flags & RST and not ident and connection.reset_seen and soon:
            repeated = True
        if connection.finished or not counts:
            self.notes.duplicate_packets += repeated
            if connection.finished and counts:
                self._table.late(half, sequence + len(data) + missing, packet)
            if repeated or connection.finished:
                return
        if not window and not flags & RST:
            connection.zero_windows += 1
        if flags & SYN:
            self._synchronise(half, sequence, at)
            sequence += 1
        if counts and not flags & RST:
            yield from self._reassembler.segment(
                half, sequence & 0xFFFFFFFF, payload, missing, repeated
            )
            if connection.outcome == "unanswered" and not half.up:
                connection.outcome = "established"
        if flags & RST:
            yield from self._table.reset(half, at, packet)
        elif flags & FIN:
            end = (sequence + len(data) + missing) & 0xFFFFFFFF
            yield from self._reassembler.fin(half, end, at, packet)
        connection.rare_at = at
        # Data behind a reset that found nothing said goes on here as it does in the fast path.
        if connection.is_over and (flags & (RST | FIN) or not connection.reset_seen):
            yield from self._table.close(connection, at, packet)
        elif connection.reset_seen:
            yield from self._table.rest(connection, at, packet)

    def _takes_reset(
        self, half: Half, sequence: int, flags: int, acknowledged: int, at: int
    ) -> bool:
        """Whether the receiver of a RST took it; where that depends, it is held."""
        connection = half.connection
        fate = reset_is(half, sequence, flags, acknowledged)
        if fate == "ignored":
            self.notes.fault("reset-not-in-window", self._packet, acceptance.FAULTS)
        elif fate == "doubtful" and connection.held_reset is None:
            connection.held_reset = HeldReset(Mark.of(half), at, self._packet)
        return fate == "taken"

    def _contest(
        self, half: Half, sequence: int, acknowledged: int, flags: int, counts: bool
    ) -> Iterator[Delivery]:
        """A SYN came within this connection: does this segment go on with the old or the new?"""
        connection = half.connection
        challenger = connection.challenger
        assert challenger is not None
        if challenger.is_continued_by(half, sequence, acknowledged, flags):
            yield from self._give_way(connection, challenger)
        elif ((counts or flags & (FIN | RST)) and challenger.is_refuted_by(half, sequence)) or (
            flags & SYN and flags & ACK and acknowledged == half.peer.base
        ):
            self._table.dismiss(connection)

    def _give_way(self, connection: TcpConnection, challenger: Challenger) -> Iterator[Delivery]:
        """The old connection is over: its ports are used again, from the SYN on."""
        connection.challenger = None
        for mark in challenger.marks:
            # Acknowledgements of the new connection passed as the old one's.
            mark.half.acked = mark.acked
        at, packet, _ = challenger.segment[7]
        yield from self._table.close(connection, at, packet)
        self.notes.tcp_packets -= 1
        yield from self._segment(*challenger.segment)

    def _synchronise(self, half: Half, sequence: int, at: int) -> None:
        connection = half.connection
        if half.next == UNKNOWN:
            half.start(sequence + 1)
            half.last_at = at
        elif at - half.last_at < TWICE_WITHIN_NS and half.next == half.base:
            self.notes.duplicate_packets += 1
        elif half.next == half.base:
            connection.retransmissions += 1  # RFC 6298 5.7: a SYN is sent again after 1 s
        if not half.up:
            connection.outcome = "established"
        else:
            connection.syn_seen = True

    def _count_other(self, reason: str) -> None:
        others = self.notes.other_packets
        others[reason] = others.get(reason, 0) + 1

    def _note_decoder_faults(self) -> None:
        for name, detail in self._decoder.faults:
            self.notes.oddities.add(Fault(name, self._packet, detail))
        self._decoder.faults.clear()
