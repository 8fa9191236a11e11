"""Packets that are rare, one by one: what opens, closes or contests a connection, and other links.

The packet loop leaves to this what is not simply the next segment of a known connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.flows import acceptance, layers
from inspector.flows.acceptance import Challenger, HeldReset, Mark, is_impossible, reset_is
from inspector.flows.carried import MAY_CARRY
from inspector.flows.contract import Delivery
from inspector.flows.decode import IcmpUnreachable, SlowDecoder, TcpPacket
from inspector.flows.notes import FlowNotes
from inspector.flows.reassembly import Reassembler
from inspector.flows.stream import UNKNOWN, Half, TcpConnection
from inspector.flows.table import ConnectionTable
from inspector.flows.tcp import ACK, FIN, RST, SYN
from inspector.model.capture import Fault

#: A SYN-ACK or RST has IP identification 0 on Linux; seen again this soon it is the
#: same frame, later it is a retransmission (the kernel's first is after 1 s).
TWICE_WITHIN_NS: Final = 5_000_000


class RarePackets:
    """Takes one packet at a time; `at` and `packet` tell when the last came, and which it was."""

    def __init__(self, notes: FlowNotes, table: ConnectionTable, reassembler: Reassembler) -> None:
        self._notes = notes
        self._table = table
        self._reassembler = reassembler
        self._decoder = SlowDecoder()
        self.at = 0
        self.packet = 0

    def close(self) -> None:
        """The capture is over: fragments whose rest did not come are given up."""
        self._decoder.close()
        self._note_decoder_faults()

    def decode(
        self, link: int, data: bytes, start: int, captured: int, wire: int, at: int, packet: int
    ) -> Iterator[Delivery]:
        """A packet whose headers are not the usual ones, and what is found in it."""
        decoder = self._decoder
        self.at, self.packet = at, packet
        found = decoder.decode(link, data, start, captured, wire, at)
        if decoder.faults:
            self._note_decoder_faults()
        if isinstance(found, TcpPacket):
            yield from self.segment(
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
                self._notes.truncated_packets += 1
                self._notes.unread.note(None, "truncated", packet)
            elif found == "too-many-layers":
                self._notes.limits_hit["headers of a packet"] = None
                self._notes.unread.note(None, "limit", packet)
            elif found in MAY_CARRY and decoder.carried() is not None:
                self._notes.carriers += 1
                self._notes.unread.note(None, "protocol", packet)
                self._notes.fault("unread-encapsulation", packet, layers.FAULTS)
            self._count_other(found)

    def segment(
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
        self.at, self.packet = at, packet
        self._notes.tcp_packets += 1
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
                self._notes.fault("impossible-acknowledgement", packet, acceptance.FAULTS)
                if counts:
                    self._notes.unread.note(connection.number, "after-close", packet)
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
            self._notes.duplicate_packets += repeated
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
            self._notes.fault("reset-not-in-window", self.packet, acceptance.FAULTS)
        elif fate == "doubtful" and connection.held_reset is None:
            connection.held_reset = HeldReset(Mark.of(half), at, self.packet)
        return fate == "taken"

    def _contest(
        self, half: Half, sequence: int, acknowledged: int, flags: int, counts: bool
    ) -> Iterator[Delivery]:
        """A SYN came within this connection: does this segment go on with the old or the new?"""
        connection = half.connection
        challenger = connection.challenger
        assert challenger is not None
        if challenger.is_continued_by(half, sequence, acknowledged, flags):
            yield from self.give_way(connection, challenger)
        elif ((counts or flags & (FIN | RST)) and challenger.is_refuted_by(half, sequence)) or (
            flags & SYN and flags & ACK and acknowledged == half.peer.base
        ):
            self._table.dismiss(connection)

    def give_way(self, connection: TcpConnection, challenger: Challenger) -> Iterator[Delivery]:
        """The old connection is over: its ports are used again, from the SYN on."""
        connection.challenger = None
        for mark in challenger.marks:
            # Acknowledgements of the new connection passed as the old one's.
            mark.half.acked = mark.acked
        at, packet, _ = challenger.segment[7]
        yield from self._table.close(connection, at, packet)
        self._notes.tcp_packets -= 1
        yield from self.segment(*challenger.segment)

    def _synchronise(self, half: Half, sequence: int, at: int) -> None:
        connection = half.connection
        if half.next == UNKNOWN:
            half.start(sequence + 1)
            half.last_at = at
        elif at - half.last_at < TWICE_WITHIN_NS and half.next == half.base:
            self._notes.duplicate_packets += 1
        elif half.next == half.base:
            connection.retransmissions += 1  # RFC 6298 5.7: a SYN is sent again after 1 s
        if not half.up:
            connection.outcome = "established"
        else:
            connection.syn_seen = True

    def _count_other(self, reason: str) -> None:
        others = self._notes.other_packets
        others[reason] = others.get(reason, 0) + 1

    def _note_decoder_faults(self) -> None:
        for name, detail in self._decoder.faults:
            self._notes.oddities.add(Fault(name, self.packet, detail))
        self._decoder.faults.clear()
