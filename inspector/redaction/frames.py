"""Where in captured frames the bytes of TCP segments are.

`FrameReader` decodes as the packet loop's slow door does and answers, beside
the segment, at which places of which frames its payload stands: in one frame,
as a rule, in several when the IP datagram was fragmented.
"""

from __future__ import annotations

from collections import OrderedDict
from struct import Struct
from typing import Final, NamedTuple

from inspector.fact import Changing
from inspector.flows.carried import MAY_CARRY
from inspector.flows.decode import FAST_LINKS, IcmpUnreachable, SlowDecoder, TcpPacket
from inspector.flows.fragments import Reassembler
from inspector.flows.layers import TCP
from inspector.redaction.header_options import USUAL, Header, OptionBytes, unlisted

#: Completed datagrams whose fragments may be captured once more.
REMEMBERED: Final = 256
#: Fragments of one datagram whose places are kept.
FRAGMENTS: Final = 8192

#: RFC 792, RFC 4443 2.1.
ICMP_HEADER: Final = 8

_FAST: Final = Struct(">H B x H H H x B 2x 4s 4s H H I I B B H")


class Place(NamedTuple):
    """`frame[start:stop]` of packet `number` is the segment's payload from `offset` on."""

    number: int
    start: int
    stop: int
    offset: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.offset + self.stop - self.start


class Reading(Changing):
    """What one frame holds.

    `segment`: the TCP segment that it completes, whose payload is at `places`.
    `reason`: why there is none (`flows.layers.REASONS`), or "repeated" for a
    fragment of a segment that was whole before.  `unread` is where the bytes
    begin that no header explains.  `end` is where the IP packet ends and padding
    begins.  `settled`: the frames whose datagram is whole now.  `options`: what in headers'
    options does not stay.  `datagram`: where the fragments lie of one that is whole now.
    `inner`: where headers of IP and TCP stand inside headers that are not read.
    """

    segment: TcpPacket | None = None
    places: list[Place] | None = None
    reason: str = ""
    unread: int = 0
    end: int = 0
    settled: tuple[int, ...] = ()
    quoted: bool = False
    datagram: tuple[Place, ...] = ()
    options: tuple[Place, ...] = ()
    inner: tuple[int, int] | None = None


class _Fragments(Reassembler):
    """A reassembler that remembers which bytes of which frame each fragment was."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(faults)
        self.last: tuple[bytes, int, int] | None = None
        self.completed = False

    def begin(self) -> None:
        """A new frame."""
        self.last = None
        self.completed = False

    def add(
        self, key: bytes, offset: int, more: bool, payload: bytes, protocol: int, at: int
    ) -> tuple[bytes, int] | None:
        """As the reassembler; `last` is the (datagram, offset, length) of this fragment."""
        self.last = (key, offset, len(payload))
        datagram = super().add(key, offset, more, payload, protocol, at)
        self.completed = datagram is not None
        return datagram


class FrameReader:
    """Reads frames one at a time, in capture order."""

    def __init__(self) -> None:
        self._fragments: _Fragments
        self._decoder = SlowDecoder(self._traced)
        self._trail: list[tuple[int, int, bytes]] = []
        self._decoder.trail = self._trail
        self._segments: OrderedDict[bytes, TcpPacket] = OrderedDict()
        self._parts: OrderedDict[bytes, list[tuple[int, int, int, int]]] = OrderedDict()

    def _traced(self, faults: list[tuple[str, str]]) -> Reassembler:
        self._fragments = _Fragments(faults)
        return self._fragments

    def read(self, link: int, frame: bytes, wire: int, at: int, number: int) -> Reading:
        """What `frame` holds; `number` names it in places."""
        fast = self._fast(link, frame, wire, number)
        if fast is not None:
            return fast
        self._trail.clear()
        reading = self._slow(link, frame, wire, at, number)
        headers = [Header(*met) for met in self._trail]
        self._trail.clear()
        reading.options = tuple(
            place
            for stretch in unlisted(headers)
            for place in self._lies(stretch, frame, number, reading)
        )
        return reading

    def _lies(
        self, stretch: OptionBytes, frame: bytes, number: int, reading: Reading
    ) -> list[Place]:
        """Where in frames a stretch of a header lies, which may be of a datagram in fragments."""
        data, start, stop = stretch
        if data is frame or frame.endswith(data):
            shift = len(frame) - len(data)
            return [Place(number, start + shift, stop + shift, 0)]
        return [
            Place(part.number, part.start + low - part.offset, part.start + high - part.offset, 0)
            for part in reading.datagram
            if (low := max(start, part.offset)) < (high := min(stop, part.end))
        ]

    def _slow(self, link: int, frame: bytes, wire: int, at: int, number: int) -> Reading:
        fragments = self._fragments
        fragments.begin()
        found = self._decoder.decode(link, frame, 0, len(frame), wire, at)
        self._decoder.faults.clear()
        unread, end = self._decoder.unread
        part = fragments.last
        if part is not None:
            return self._fragment(found, frame, unread, number, part)
        if isinstance(found, TcpPacket):
            return self._segment(found, frame, number)
        if isinstance(found, IcmpUnreachable):
            return Reading(reason="icmp-unreachable", unread=unread, end=end, quoted=True)
        if found == "icmp-unreachable":
            _, begin, data = self._trail[-1]  # of its own header: what it quotes was not read
            unread = begin + len(frame) - len(data) + ICMP_HEADER
        inner = self._decoder.carried() if found in MAY_CARRY else None
        return Reading(reason=found, unread=min(unread, len(frame)), end=end, inner=inner)

    def _fragment(
        self,
        found: TcpPacket | IcmpUnreachable | str,
        frame: bytes,
        unread: int,
        number: int,
        part: tuple[bytes, int, int],
    ) -> Reading:
        """A fragment: of a datagram that it completes, or not, or that was whole before."""
        key, offset, size = part
        fragments, segments = self._fragments, self._segments
        whole = fragments.completed
        start = self._start_of(frame, size) if whole else unread
        mine = (number, start, start + size, offset)
        if not whole and fragments.completed_bytes(key):
            segment = segments.get(key)
            reason = "repeated" if segment is not None else "not-tcp"
            places = [] if segment is None else _places(segment, [mine])
            return Reading(segment, places, reason, unread, start + size, (number,))
        parts = self._parts.setdefault(key, [])
        self._parts.move_to_end(key)
        while len(self._parts) > REMEMBERED:
            self._parts.popitem(last=False)
        if start >= 0 and len(parts) < FRAGMENTS:
            parts.append(mine)
        if not whole:
            return Reading(reason="fragment", unread=unread, end=start + size)
        del self._parts[key]
        numbers = tuple(dict.fromkeys(number for number, *_ in parts))
        datagram = tuple(Place(*part) for part in parts)
        segments.pop(key, None)
        end = len(frame) if start < 0 else start + size
        if isinstance(found, TcpPacket):
            segments[key] = found
            while len(segments) > REMEMBERED:
                segments.popitem(last=False)
            return Reading(found, _places(found, parts), "", 0, end, numbers, datagram=datagram)
        reason = found if isinstance(found, str) else "icmp-unreachable"
        return Reading(None, list(datagram), reason, 0, end, numbers, datagram=datagram)

    def _fast(self, link: int, frame: bytes, wire: int, number: int) -> Reading | None:
        skip = FAST_LINKS.get(link)
        if skip is None or len(frame) < skip + 40:
            return None
        (
            ethertype, version, total, ident, fragment, protocol, source, destination, sport,
            dport, sequence, acked, offset, flags, window,
        ) = _FAST.unpack_from(frame, skip - 2)  # fmt: skip
        header = (offset >> 2) & 0x3C
        if (
            ethertype != 0x0800 or version != 0x45 or fragment & 0x3FFF or protocol != 6
            or total < 20 + header or header < 20 or skip + total > len(frame)
        ):  # fmt: skip
            return None
        ports = frame[skip + 20 : skip + 24]
        start, end = skip + 20 + header, skip + total
        segment = TcpPacket(
            source + destination + ports, destination + source + ports[2:] + ports[:2], source,
            destination, sport, dport, ident, sequence, acked, flags, window, frame, start, end, 0,
        )  # fmt: skip
        reading = Reading(segment, [Place(number, start, end, 0)], end=end)
        if header != 20 and not (header == 32 and frame.startswith(USUAL, skip + 40)):
            reading.options = tuple(
                Place(number, low, high, 0)
                for _, low, high in unlisted([Header(TCP, skip + 20, frame)])
            )
        return reading

    def _segment(self, found: TcpPacket, frame: bytes, number: int) -> Reading:
        shift = 0
        if found.data is not frame:
            shift = len(frame) - len(found.data)
            if shift < 0 or frame[shift:] != found.data:
                return Reading(reason="unknown-link-type", unread=0, end=len(frame))
        start, stop = found.start + shift, found.end + shift
        return Reading(found, [Place(number, start, stop, 0)], end=stop)

    def _start_of(self, frame: bytes, size: int) -> int:
        """Where the payload of the fragment that completed its datagram stands in its frame.

        It is the end of the frame but for padding; -1 if it is not found.
        """
        last = self._fragments.last
        whole = b"" if last is None else self._fragments.completed_bytes(last[0])
        piece = b"" if last is None else whole[last[1] : last[1] + size]
        return frame.rfind(piece) if piece else -1

    def pending_payload(self, number: int) -> int:
        """Where in the frame of a fragment that waits its payload begins."""
        for parts in self._parts.values():
            for known, start, _, _ in parts:
                if known == number:
                    return start
        return 0


def _places(segment: TcpPacket, parts: list[tuple[int, int, int, int]]) -> list[Place]:
    """Where the payload of a segment that came in fragments is."""
    return [
        Place(number, start + low - offset, start + high - offset, low - segment.start)
        for number, start, stop, offset in parts
        if (low := max(offset, segment.start)) < (high := min(offset + stop - start, segment.end))
    ]
