"""What the slow decoder's dissectors share: the cursor, the outcomes, the names.

A *dissector* peels one header off a packet: it reads at the cursor, moves it
past the header and answers the key of what follows (an int), or the outcome.
Keys put all the numbering spaces that name a next protocol (link types,
EtherTypes, IP protocol numbers, PPP protocols) into one space, so that one
table can say what follows anything, and no dissector calls another.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from inspector.fact import Fact
from inspector.flows.fragments import Reassembler

#: Numbering spaces of keys: `ETHERTYPE | 0x0800`, `IP_PROTOCOL | 6`, …
LINK: Final = 1 << 16
ETHERTYPE: Final = 2 << 16
IP_PROTOCOL: Final = 3 << 16
PPP_PROTOCOL: Final = 4 << 16
#: Layers that no number announces.
LLC: Final = 5 << 16
IP_BY_VERSION: Final = LLC + 1
PPP: Final = LLC + 2
SNAP: Final = LLC + 3

ETHERNET: Final = LINK | 1
IPV4: Final = ETHERTYPE | 0x0800
IPV6: Final = ETHERTYPE | 0x86DD
MPLS: Final = ETHERTYPE | 0x8847
TRANSPARENT_ETHERNET: Final = ETHERTYPE | 0x6558
TCP: Final = IP_PROTOCOL | 6

#: Below this the field behind the addresses is an 802.3 length (IEEE 802.3 3.2.6).
_FIRST_ETHERTYPE: Final = 0x0600


class TcpPacket(Fact):
    """One captured TCP segment.

    `key` is the directional flow key: context, source and destination address
    (4 or 16 bytes each), source and destination port, in network order;
    `reverse` is the key of the opposite direction.  Without context an IPv4
    key is the 12 bytes of the wire.  The *context* keeps equal addresses in
    two VLANs or virtual networks apart: one 5-byte tag (kind, 32-bit number)
    for each such header, outermost first.  Since 12 and 36 leave different
    remainders by 5, the length of a key alone tells its family and its tags.

    `ident` is the IPv4 identification (0 for IPv6), `flags` the eight flags
    from CWR to FIN, `window` unscaled.  The captured payload is
    `data[start:end]`; `missing` payload bytes more were on the wire, behind
    it, and are not in the capture.  Checksums are not judged: offload leaves
    them unfinished.
    """

    key: bytes
    reverse: bytes
    source: bytes
    destination: bytes
    sport: int
    dport: int
    ident: int
    seq: int
    ack: int
    flags: int
    window: int
    data: bytes
    start: int
    end: int
    missing: int

    def __repr__(self) -> str:
        """Numbers only: `data` may hold credentials, and a traceback shows reprs."""
        size = self.end - self.start
        return f"<TcpPacket {self.sport} > {self.dport} seq {self.seq}, {size} bytes>"


class IcmpUnreachable(Fact):
    """A destination-unreachable message that quotes a TCP segment.

    `key` is the flow key of the quoted segment, in the direction in which it
    was sent; `reverse` is the opposite direction's.  `code` is to be read by
    `version`, 4 (RFC 792) or 6 (RFC 4443 3.1).  "Fragmentation needed" (code 4
    of version 4) is no refusal and never given here.
    """

    key: bytes
    reverse: bytes
    code: int
    version: int


DecodeResult: TypeAlias = TcpPacket | IcmpUnreachable | str

#: Why a packet is no TCP segment: name → meaning.
REASONS: Final[Mapping[str, str]] = {
    "arp": "ARP or RARP",
    "bad-ip-header": "the IP version or header length is impossible",
    "bad-tcp-header": "the TCP data offset is under 5 or points behind the segment",
    "control": "a link's own control frame (LCP, LLDP, spanning tree, 802.11 management…)",
    "encrypted": "the payload is encrypted (ESP, MACsec, protected 802.11)",
    "fragment": "a fragment that completes no datagram yet, or repeats one",
    "icmp": "ICMP or ICMPv6",
    "icmp-unreachable": "ICMP destination unreachable that quotes no TCP segment",
    "link-fragment": "part of a frame that the link layer split",
    "llc": "an LLC frame that carries no IP",
    "no-next-header": "an IPv6 packet without payload (next header 59)",
    "not-ip": "a link-layer protocol that carries no IP",
    "not-tcp": "an IP protocol that carries no TCP",
    "sctp": "SCTP",
    "too-many-layers": "more headers inside one another than are followed",
    "truncated-header": "the captured bytes end before the headers do",
    "udp": "UDP that carries no known tunnel",
    "unknown-link-type": "the link type is not known",
}

#: Oddities that the decoder names: name → meaning.
FAULTS: Final[Mapping[str, str]] = {
    "fragment-beyond-end": "an IP fragment lies behind the datagram's last fragment",
    "fragment-conflict": "IP fragments disagree about bytes they share; the first copy was kept",
    "fragment-limit": "IP fragments were given up because too many were pending",
    "fragment-overlap": "IP fragments overlap (with equal bytes) without being copies",
    "fragment-timeout": "an IP datagram stayed incomplete; its fragments were given up",
    "lying-ip-length": "an IP length exceeds the frame; the frame's length was taken",
    "too-many-layers": "more headers inside one another than are followed",
    "truncated-fragment": "an IP fragment was cut by the snap length",
    "unread-ethertype": "frames of an ethertype that is not read; what they carry is unknown",
    "unread-encapsulation": "packets carry TCP inside headers that are not read",
    "undecoded-kind": "packets of a kind that no dissector knows, given up after several",
}

#: Kinds of context tags.
VLAN_TAG: Final = 1
PBB_SERVICE_TAG: Final = 2
VXLAN_TAG: Final = 3
GENEVE_TAG: Final = 4
GRE_KEY_TAG: Final = 5
NVGRE_TAG: Final = 6
PPPOE_TAG: Final = 7

_TAG: Final = struct.Struct("!BI").pack


class Cursor:
    """Where in a packet the dissectors are.

    The bytes not yet peeled are `data[start:end]`; on the wire they ended at
    `wire_end`, which is behind `end` when the snap length cut the packet.  `data`
    is usually a whole batch: nothing behind `end` belongs to the packet.
    `source`, `destination` and `ident` are those of the innermost IP header.
    """

    __slots__ = (
        "at",
        "context",
        "data",
        "destination",
        "end",
        "faults",
        "fragments",
        "ident",
        "source",
        "start",
        "wire_end",
    )

    def __init__(self, fragments: Reassembler, faults: list[tuple[str, str]]) -> None:
        self.data = b""
        self.start = self.end = self.wire_end = 0
        self.at = 0
        self.context = b""
        self.source = self.destination = b""
        self.ident = 0
        self.fragments = fragments
        self.faults = faults

    def tag(self, kind: int, number: int) -> None:
        """Add a tag to the context of the flow key."""
        self.context += _TAG(kind, number)

    def take(self, length: int) -> bytes | None:
        """The next `length` bytes, with the cursor moved past them; None if there are fewer."""
        start = self.start
        stop = start + length
        if stop > self.end:
            return None
        self.start = stop
        return self.data[start:stop]

    def type_or_length(self, value: int) -> int:
        """The key for the 16-bit field behind Ethernet addresses or a VLAN tag.

        A length also ends the frame: what is behind it is padding.
        """
        if value >= _FIRST_ETHERTYPE:
            return ETHERTYPE | value
        stop = self.start + value
        if stop < self.wire_end:
            self.wire_end = stop
            self.end = min(self.end, stop)
        return LLC


Answer: TypeAlias = int | DecodeResult
Dissector: TypeAlias = Callable[[Cursor], Answer]
#: What a key leads to: a dissector, or at once the reason why it is no TCP.
Layers: TypeAlias = Mapping[int, Dissector | str]


def skip_to(length: int, key: int) -> Dissector:
    """A dissector for a header of fixed length whose content does not matter."""

    def skip(cursor: Cursor) -> Answer:
        cursor.start += length
        return key if cursor.start < cursor.end else "truncated-header"

    return skip


def announcing(length: slice, link: slice) -> Dissector:
    """A dissector for a link's header that tells its own length and the link type inside.

    Both little-endian, at these places in it, the type behind the length: there the least one ends.
    """
    least = link.stop

    def announced(cursor: Cursor) -> Answer:
        header = cursor.data[cursor.start : min(cursor.start + least, cursor.end)]
        if len(header) < least:
            return "truncated-header"
        size = int.from_bytes(header[length], "little")
        inside = int.from_bytes(header[link], "little")
        cursor.start += size
        if size < least or cursor.start > cursor.end:
            return "truncated-header"
        return LINK | inside if inside < 0x10000 else "unknown-link-type"

    return announced
