"""The slow, complete decoder: any captured frame to the TCP segment in it.

The packet loop handles plain Ethernet, IPv4 and TCP itself; everything else
comes through `SlowDecoder.decode`.  It follows the table of dissectors from
header to header, as often as `MAX_LAYERS` allows, and falls back on scapy's
layers for link types that the table lacks.  Nothing captured makes it raise:
the answer is a segment, an unreachable message, or the reason why it is
neither (`layers.REASONS`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inspector.flows import encapsulations, internet, links, serial_links, wireless_links
from inspector.flows.carried import inner_headers
from inspector.flows.fragments import Reassembler
from inspector.flows.layers import (
    ETHERTYPE,
    FAULTS,
    IP_BY_VERSION,
    IP_PROTOCOL,
    LINK,
    PPP_PROTOCOL,
    REASONS,
    Cursor,
    DecodeResult,
    IcmpUnreachable,
    Layers,
    TcpPacket,
)
from inspector.flows.scapy_layers import ScapyLayers

__all__ = [
    "FAULTS",
    "LAYERS",
    "MAX_LAYERS",
    "REASONS",
    "IcmpUnreachable",
    "SlowDecoder",
    "TcpPacket",
]

#: Headers followed in one packet, a VLAN or label stack counted as one.  A tunnel
#: costs four or five (IP, UDP, VXLAN, Ethernet): five tunnels in one another.
MAX_LAYERS: Final = 24

#: What each header leads to.
LAYERS: Final[Layers] = {
    **links.LAYERS,
    **serial_links.LAYERS,
    **wireless_links.LAYERS,
    **internet.LAYERS,
    **encapsulations.LAYERS,
    IP_BY_VERSION: internet.by_version,
}

#: What it means that a numbering space has no entry.
_UNKNOWN: Final = {
    LINK: "unknown-link-type",
    ETHERTYPE: "not-ip",
    IP_PROTOCOL: "not-tcp",
    PPP_PROTOCOL: "control",
}
_SPACE: Final = ~0xFFFF

#: Link type -> where the IPv4 header starts, for links whose ethertype stands
#: in the two bytes before it: Ethernet and Linux cooked capture v1.
FAST_LINKS: Final[dict[int, int]] = {1: 14, 113: 16}


class SlowDecoder:
    """Decodes frames of any link type, one at a time, in capture order.

    `fragments` makes the reassembler of IP datagrams.  `faults` collects
    oddities as (name, detail), with names from `layers.FAULTS`; the caller
    takes them out after each call and adds the packet.  State is kept
    between calls for IP fragments only, and bounded.
    """

    def __init__(
        self, fragments: Callable[[list[tuple[str, str]]], Reassembler] = Reassembler
    ) -> None:
        self.faults: list[tuple[str, str]] = []
        #: Filled, if a list is given, with (key, start, data) of each header that is peeled.
        self.trail: list[tuple[int, int, bytes]] | None = None
        self._fragments = fragments(self.faults)
        self._cursor = Cursor(self._fragments, self.faults)
        self._scapy = ScapyLayers(self.faults)

    @property
    def unread(self) -> tuple[int, int]:
        """Where the bytes start and end that the last call did not peel, in what it was given.

        Of a reassembled datagram, where they are in that.
        """
        return self._cursor.start, self._cursor.end

    def carried(self) -> tuple[int, int] | None:
        """Where headers of IP and TCP stand in what the last call did not peel, if any do."""
        cursor = self._cursor
        return inner_headers(cursor.data, cursor.start, cursor.end, cursor.wire_end)

    def decode(
        self, link_type: int, data: bytes, start: int, captured: int, wire: int, at: int
    ) -> DecodeResult:
        """The TCP segment in the frame `data[start:start + captured]`.

        `link_type` is a LINKTYPE_ number (what a pcap header keeps above its
        16 bits, the length of frame check sequences, is ignored), `wire` the frame's length on the
        wire in bytes, `at` its capture time in ns.  Instead of a segment the
        answer may be an `IcmpUnreachable` or a name from `layers.REASONS`.
        A segment that completes a fragmented datagram lies in the
        datagram's bytes, not in `data`.
        """
        cursor = self._cursor
        cursor.data = data
        cursor.start = start
        cursor.end = min(start + captured, len(data))
        cursor.wire_end = start + max(wire, captured)
        cursor.context = b""
        cursor.ident = 0
        cursor.at = at
        layers, trail = LAYERS, self.trail
        key = LINK | link_type & 0xFFFF
        for _ in range(MAX_LAYERS):
            if trail is not None:
                trail.append((key, cursor.start, cursor.data))
            layer = layers.get(key)
            if layer is None:
                if key & _SPACE != LINK:
                    if key & _SPACE == ETHERTYPE:
                        self.faults.append(
                            ("unread-ethertype", f"the first has ethertype 0x{key & 0xFFFF:04x}")
                        )
                    return _UNKNOWN[key & _SPACE]
                answer: int | DecodeResult = self._scapy(cursor, key & 0xFFFF)
            elif isinstance(layer, str):
                return layer
            else:
                answer = layer(cursor)
            if not isinstance(answer, int):
                return answer
            key = answer
        self.faults.append(("too-many-layers", f"more than {MAX_LAYERS}"))
        return "too-many-layers"

    def close(self) -> None:
        """The capture ended: name the datagrams that stayed incomplete."""
        self._fragments.close()
