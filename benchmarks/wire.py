"""TCP conversations rendered straight into classic pcap records.

No packet library: two `Struct.pack` calls a packet make a gigabyte in seconds.
Frames look as a listener on a Docker bridge sees them: Ethernet, IPv4 with
right header checksums, TCP with timestamps, superframes of up to 45 segments
whose TCP checksums the offload left unfinished, and about one pure ACK for two
data segments, as RFC 5681 4.2 asks for.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

#: (time in microseconds, the record: its 16-byte header and the frame).
Rendered: TypeAlias = tuple[int, bytes]

MSS: Final = 1448
#: 45 segments: the largest multiple of the MSS in one IPv4 datagram.
SUPERFRAME: Final = 45 * MSS

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

PCAP_HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)

_RECORD: Final = struct.Struct("<IIII")
_ETHERNET_TO_TCP: Final = struct.Struct("!12sHBBHHHBBH8sHHIIBBHHHHHII")
_HEADERS: Final = _ETHERNET_TO_TCP.size
_SYN_OPTIONS: Final = bytes.fromhex("020405b40402080a00000001000000000103030a")
#: What checksum offload leaves in the field: the pseudo-header's part only.
_UNFINISHED: Final = 0x5868


@dataclass(frozen=True, slots=True)
class Host:
    """An address on the bridge; Docker derives the MAC from it."""

    ip: bytes
    mac: bytes

    @classmethod
    def at(cls, address: str) -> Host:
        ip = bytes(map(int, address.split(".")))
        return cls(ip, b"\x02\x42" + ip)


def record(at: int, frame: bytes) -> Rendered:
    """`frame` as a pcap record at `at` microseconds since 1970."""
    size = len(frame)
    return at, _RECORD.pack(at // 1_000_000, at % 1_000_000, size, size) + frame


def udp(source: Host, target: Host, ports: tuple[int, int], payload: bytes) -> bytes:
    """An Ethernet frame with one UDP datagram (checksum 0: none, RFC 768)."""
    size = 28 + len(payload)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 17, 0, source.ip, target.ip)
    ip = ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:]
    head = target.mac + source.mac + b"\x08\x00"
    return head + ip + struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload


def arp(source: Host, target: Host, *, reply: bool) -> bytes:
    """An Ethernet frame with an ARP request, or the reply to one."""
    known = target.mac if reply else bytes(6)
    destination = target.mac if reply else b"\xff" * 6
    head = destination + source.mac + b"\x08\x06\x00\x01\x08\x00\x06\x04"
    operation = b"\x00\x02" if reply else b"\x00\x01"
    return head + operation + source.mac + source.ip + known + target.ip


def pieces(data: bytes, largest: int) -> list[bytes]:
    """`data` as a sender with `largest` bytes a frame would cut it."""
    return [data[start : start + largest] for start in range(0, len(data), largest)]


def superframes(data: bytes) -> list[bytes]:
    """`data` as segmentation offload hands it down while the window opens.

    Ten segments at first (RFC 6928), then twice as many, up to one datagram.
    """
    frames, start, size = [], 0, 10 * MSS
    while start < len(data):
        frames.append(data[start : start + size])
        start += size
        size = min(2 * size, SUPERFRAME)
    return frames


class Conversation:
    """One TCP connection that appends its packets to `out`, in its own time.

    `now` is the connection's clock in microseconds; whoever directs two hops of
    one call sets it.  `trouble` is the probability that a data segment is sent
    twice, and that two neighbours arrive in the wrong order.
    """

    __slots__ = ("_ends", "_idents", "_unacked", "now", "out", "rng", "trouble")

    def __init__(
        self,
        out: list[Rendered],
        ends: tuple[tuple[Host, int], tuple[Host, int]],
        now: int,
        rng: random.Random,
        trouble: float = 0.0,
    ) -> None:
        self.out = out
        self.now = now
        self.rng = rng
        self.trouble = trouble
        client, server = (_End(*end, rng.getrandbits(32)) for end in ends)
        client.faces(server)
        server.faces(client)
        self._ends = (server, client)
        self._unacked = [0, 0]
        self._idents = rng.getrandbits(15)

    def open(self) -> None:
        """The three-way handshake."""
        self._packet(True, SYN, b"", now_in=0)
        self._packet(False, SYN | ACK, b"", now_in=30)
        self._packet(True, ACK, b"", now_in=20)

    def refused(self) -> None:
        """A SYN to a port where nobody listens, and its answer (RFC 9293 3.5.2)."""
        self._packet(True, SYN, b"", now_in=0)
        self._packet(False, RST | ACK, b"", now_in=15)

    def send(self, up: bool, segments: Sequence[bytes], ack_every: int = 2) -> None:
        """Send `segments` as they are, and the pure ACKs they cause.

        A superframe counts as the segments that it holds.  `ack_every=0`: the
        peer's ACKs are not in the capture.
        """
        trouble = self.trouble
        for late, segment in self._in_order_of_arrival(segments):
            if late:  # a segment after a hole is answered at once, RFC 5681 4.2
                self._packet(up, PSH | ACK, segment, skip=len(late))
                self._packet(not up, ACK, b"")
                self._packet(up, ACK, late)
                self._ends[up].sent += len(segment)
                self._unacked[up] = 2
            else:
                self._packet(up, PSH | ACK if len(segment) != MSS else ACK, segment)
                self._unacked[up] += 1 + (len(segment) - 1) // MSS
                if trouble and self.rng.random() < trouble:
                    self._packet(up, ACK, segment, skip=-len(segment), now_in=400)
            if ack_every and self._unacked[up] >= ack_every:
                self._packet(not up, ACK, b"")
                self._unacked[up] = 0

    def flush(self, up: bool) -> None:
        """The delayed ACK for what `up` has sent, if one is due."""
        if self._unacked[up]:
            self._packet(not up, ACK, b"", now_in=40)
            self._unacked[up] = 0

    def close(self, by_client: bool = True) -> None:
        """FIN, FIN, ACK."""
        self._packet(by_client, FIN | ACK, b"", now_in=100)
        self._packet(not by_client, FIN | ACK, b"", now_in=60)
        self._packet(by_client, ACK, b"", now_in=20)

    def _in_order_of_arrival(self, segments: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Each segment as (the one before it that arrives later, or nothing; itself)."""
        index, count = 0, len(segments)
        while index < count:
            if self.trouble and index + 1 < count and self.rng.random() < self.trouble:
                yield segments[index], segments[index + 1]
                index += 2
            else:
                yield b"", segments[index]
                index += 1

    def _packet(self, up: bool, flags: int, data: bytes, skip: int = 0, now_in: int = 12) -> None:
        """One packet; `skip` bytes ahead of (or, negative, behind) the stream's end."""
        end, peer = self._ends[up], self._ends[not up]
        self.now = now = self.now + now_in
        self._idents = ident = (self._idents + 1) & 0xFFFF
        options = _SYN_OPTIONS if flags & SYN else b""
        size = 52 + len(data) if not options else 60
        total = end.checksum + size + ident
        total = (total & 0xFFFF) + (total >> 16)
        total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        sequence = (end.sent + skip) & 0xFFFFFFFF
        acknowledged = peer.sent & 0xFFFFFFFF if flags & ACK else 0
        headers = _ETHERNET_TO_TCP.pack(
            end.macs, 0x0800,
            0x45, 0, size, ident, 0x4000, 64, 6, total, end.ips,
            end.port, peer.port, sequence, acknowledged, 0x80, flags, 502, _UNFINISHED, 0,
            0x0101, 0x080A, now // 1000 & 0xFFFFFFFF, peer.clock,
        )  # fmt: skip
        if options:
            headers = headers[:46] + b"\xa0" + headers[47:54] + options
        end.clock = now // 1000 & 0xFFFFFFFF
        length = len(headers) + len(data)
        head = _RECORD.pack(now // 1_000_000, now % 1_000_000, length, length)
        self.out.append((now, head + headers + data))
        if not skip:
            end.sent += len(data) + (1 if flags & (SYN | FIN) else 0)


class _End:
    """One end of a conversation: where its stream is, and its constant fields."""

    __slots__ = ("checksum", "clock", "host", "ips", "macs", "port", "sent")

    def __init__(self, host: Host, port: int, sent: int) -> None:
        self.host = host
        self.port = port
        self.sent = sent
        self.clock = 0
        self.ips = self.macs = b""
        self.checksum = 0

    def faces(self, peer: _End) -> None:
        self.ips = self.host.ip + peer.host.ip
        self.macs = peer.host.mac + self.host.mac
        # Everything in the IPv4 header but its length and identification.
        words = struct.unpack("!4H", self.ips)
        self.checksum = sum(words) + 0x4500 + 0x4000 + 0x4006


def _checksum(header: bytes) -> int:
    """The Internet checksum, RFC 1071."""
    words: tuple[int, ...] = struct.unpack(f"!{len(header) // 2}H", header)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
