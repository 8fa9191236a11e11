"""IPv4, IPv6 with its extension headers, TCP, and what ICMP quotes of them."""

from __future__ import annotations

import struct
from typing import Final

from inspector.flows.layers import (
    IP_PROTOCOL,
    IPV4,
    IPV6,
    TCP,
    Answer,
    Cursor,
    IcmpUnreachable,
    Layers,
    TcpPacket,
)

_IPV4: Final = struct.Struct("!BxHHHxB2x4s4s").unpack_from
_IPV6: Final = struct.Struct("!BxxxHBx16s16s").unpack_from
_TCP: Final = struct.Struct("!HHIIBBH").unpack_from

#: Identification and protocol: with the addresses, the name of an IPv4 datagram.
_IDENTITY: Final = struct.Struct("!HH").pack

_MORE_FRAGMENTS: Final = 0x2000
_OFFSET: Final = 0x1FFF
_IPV6_OFFSET: Final = 0xFFF8
_NO_NEXT_HEADER: Final = 59
_AUTHENTICATION: Final = 51
_FRAGMENT: Final = 44
_DESTINATION_OPTIONS: Final = 60
_ROUTING: Final = 43
#: Extension headers whose length is a count of 8 bytes, the first 8 not counted (RFC 8200 4.2):
#: hop-by-hop, routing, destination options, mobility, HIP, shim6.
_OPTION_LIKE: Final = frozenset({0, _ROUTING, _DESTINATION_OPTIONS, 135, 139, 140})
_EXTENSIONS: Final = _OPTION_LIKE | {_FRAGMENT, _AUTHENTICATION, _NO_NEXT_HEADER}
#: More extension headers than this in one packet is an attack, not a packet.
_MAX_EXTENSIONS: Final = 16
_HOME_ADDRESS: Final = 0xC9


def by_version(cursor: Cursor) -> Answer:
    """IP announced by nothing but its own version field."""
    if cursor.start >= cursor.end:
        return "truncated-header"
    return _VERSIONS.get(cursor.data[cursor.start] >> 4, "not-ip")


_VERSIONS: Final[dict[int, int]] = {4: IPV4, 6: IPV6}


def ipv4(cursor: Cursor) -> Answer:
    """An IPv4 header with its options (RFC 791 3.1)."""
    start = cursor.start
    end = cursor.end
    if end - start < 20:
        return "truncated-header"
    first, total, ident, fragment, protocol, source, destination = _IPV4(cursor.data, start)
    header = (first & 15) << 2
    if first >> 4 != 4 or header < 20:
        return "bad-ip-header"
    # A total length of 0 is a superframe on its way to segmentation offload.
    if total:
        if total < header:
            return "bad-ip-header"
        _cut(cursor, start + total)
    cursor.start = start + header
    if cursor.start > cursor.end:
        return "truncated-header"
    cursor.source = source
    cursor.destination = destination
    cursor.ident = ident
    if fragment & (_MORE_FRAGMENTS | _OFFSET):
        offset = (fragment & _OFFSET) << 3
        more = bool(fragment & _MORE_FRAGMENTS)
        key = cursor.context + source + destination + _IDENTITY(ident, protocol)
        if _reassemble(cursor, key, offset, more, protocol) is None:
            return "fragment"
    answer: int = IP_PROTOCOL | protocol
    return answer


def ipv6(cursor: Cursor) -> Answer:
    """An IPv6 header and its extension headers (RFC 8200 3, 4)."""
    start = cursor.start
    if cursor.end - start < 40:
        return "truncated-header"
    first, length, following, source, destination = _IPV6(cursor.data, start)
    if first >> 4 != 6:
        return "bad-ip-header"
    cursor.start = start = start + 40
    # A length of 0 is a jumbogram (RFC 2675) or an offloaded superframe.
    if length:
        _cut(cursor, start + length)
    cursor.source = source
    cursor.destination = destination
    cursor.ident = 0
    if following == 6:
        return TCP
    return _extensions(cursor, following)


def tcp(cursor: Cursor) -> Answer:
    """A TCP header (RFC 9293 3.1); the options are skipped."""
    data = cursor.data
    start = cursor.start
    end = cursor.end
    if end - start < 20:
        return "truncated-header"
    sport, dport, seq, ack, offset, flags, window = _TCP(data, start)
    body = start + (offset >> 4 << 2)
    missing = cursor.wire_end - body
    if offset < 0x50 or missing < 0:
        return "bad-tcp-header"
    if body < end:
        missing -= end - body
    else:  # the snap length may cut the options: then all of the payload is missing
        body = end
    source = cursor.source
    destination = cursor.destination
    context = cursor.context
    return TcpPacket(
        context + source + destination + data[start : start + 4],
        context + destination + source + data[start + 2 : start + 4] + data[start : start + 2],
        source,
        destination,
        sport,
        dport,
        cursor.ident,
        seq,
        ack,
        flags,
        window,
        data,
        body,
        end,
        missing,
    )


def authentication_header(cursor: Cursor) -> Answer:
    """AH behind an IPv4 header; what follows is in the clear (RFC 4302 2)."""
    start = cursor.start
    if cursor.end - start < 8:
        return "truncated-header"
    following = cursor.data[start]
    cursor.start = start + (cursor.data[start + 1] + 2) * 4
    return IP_PROTOCOL | following if cursor.start <= cursor.end else "truncated-header"


def icmp(cursor: Cursor) -> Answer:
    """ICMP: of interest only where it says that a TCP segment could not be delivered."""
    start = cursor.start
    if cursor.end - start < 8:
        return "truncated-header"
    kind, code = cursor.data[start], cursor.data[start + 1]
    if kind != 3 or code == 4:  # code 4 asks for smaller packets (RFC 1191)
        return "icmp"
    cursor.start = start = start + 8
    if cursor.end - start < 20:
        return "icmp-unreachable"
    first, _, _, fragment, protocol, source, destination = _IPV4(cursor.data, start)
    cursor.start = start + ((first & 15) << 2)
    if first >> 4 != 4 or protocol != 6 or fragment & _OFFSET or cursor.start < start + 20:
        return "icmp-unreachable"
    return _quoted(cursor, source, destination, code, 4)


def icmpv6(cursor: Cursor) -> Answer:
    """ICMPv6, likewise (RFC 4443 3.1)."""
    start = cursor.start
    if cursor.end - start < 8:
        return "truncated-header"
    kind, code = cursor.data[start], cursor.data[start + 1]
    if kind != 1:
        return "icmp"
    cursor.start = start = start + 8
    if cursor.end - start < 40:
        return "icmp-unreachable"
    first, _, following, source, destination = _IPV6(cursor.data, start)
    cursor.start = start + 40
    cursor.source = source
    cursor.destination = destination
    if first >> 4 != 6 or (following != 6 and _extensions(cursor, following, quoted=True) != TCP):
        return "icmp-unreachable"
    return _quoted(cursor, cursor.source, cursor.destination, code, 6)


def _quoted(cursor: Cursor, source: bytes, destination: bytes, code: int, version: int) -> Answer:
    ports = cursor.take(4)
    if ports is None:
        return "icmp-unreachable"
    context = cursor.context
    key = context + source + destination + ports
    reverse = context + destination + source + ports[2:] + ports[:2]
    return IcmpUnreachable(key, reverse, code, version)


def _cut(cursor: Cursor, stop: int) -> None:
    """End the packet where its IP length says; what follows is the link's padding."""
    if stop > cursor.wire_end:
        excess = stop - cursor.wire_end
        cursor.faults.append(("lying-ip-length", f"{excess} bytes more than the frame"))
        return
    cursor.wire_end = stop
    if stop < cursor.end:
        cursor.end = stop


def _reassemble(cursor: Cursor, key: bytes, offset: int, more: bool, protocol: int) -> int | None:
    """The protocol of the datagram that this fragment completes, with the cursor in it."""
    if cursor.end < cursor.wire_end:
        lost = cursor.wire_end - cursor.end
        cursor.faults.append(("truncated-fragment", f"{lost} bytes"))
        more = True  # the captured bytes do not reach the end of the datagram
    payload = cursor.data[cursor.start : cursor.end]
    datagram = cursor.fragments.add(key, offset, more, payload, protocol, cursor.at)
    if datagram is None:
        return None
    cursor.data, protocol = datagram
    cursor.start = 0
    cursor.end = cursor.wire_end = len(cursor.data)
    return protocol


def _extensions(cursor: Cursor, following: int, *, quoted: bool = False) -> Answer:
    """Walk the IPv6 extension headers, up to the first that is none.

    In a quoted packet a fragment is only stepped over.
    """
    for _ in range(_MAX_EXTENSIONS):
        if following not in _EXTENSIONS:
            return IP_PROTOCOL | following
        if following == _NO_NEXT_HEADER:
            return "no-next-header"
        data = cursor.data
        start = cursor.start
        if cursor.end - start < 8:
            return "truncated-header"
        kind, following = following, data[start]
        if kind == _FRAGMENT:
            cursor.start = start + 8
            word = data[start + 2] << 8 | data[start + 3]
            more = bool(word & 1)
            if quoted and word & _IPV6_OFFSET:
                return "icmp-unreachable"
            if not quoted and word & (_IPV6_OFFSET | 1):  # neither: atomic, RFC 6946
                ends = cursor.source + cursor.destination
                key = cursor.context + ends + data[start + 4 : start + 8]
                whole = _reassemble(cursor, key, word & _IPV6_OFFSET, more, following)
                if whole is None:
                    return "fragment"
                following = whole
            continue
        units = data[start + 1]
        length = (units + 2) * 4 if kind == _AUTHENTICATION else (units + 1) * 8
        cursor.start = start + length
        if cursor.start > cursor.end:
            return "truncated-header"
        if kind == _ROUTING:
            _final_destination(cursor, start, length)
        elif kind == _DESTINATION_OPTIONS:
            _home_address(cursor, start, length)
    return "too-many-layers"


def _final_destination(cursor: Cursor, start: int, length: int) -> None:
    """A packet under way through listed hops belongs to the flow to the last of them."""
    hop = final_hop(cursor.data, start, length)
    if hop is not None:
        cursor.destination = cursor.data[hop : hop + 16]


def final_hop(data: bytes, start: int, length: int) -> int | None:
    """Where in a routing header the address stands that the packet goes to in the end, if it does.

    Types 0 (RFC 2460 4.4) and 2 (RFC 6275 6.4) list it last, type 4 (segment
    routing, RFC 8754 2) first.
    """
    if length < 24 or not data[start + 3]:
        return None
    kind = data[start + 2]
    if kind in (0, 2):
        return start + 8 + (length - 8) // 16 * 16 - 16
    return start + 8 if kind == 4 else None


def _home_address(cursor: Cursor, start: int, length: int) -> None:
    """A mobile node's flow is that of its home address (RFC 6275 6.3)."""
    data = cursor.data
    stop = start + length
    position = start + 2
    while position + 2 <= stop:
        kind = data[position]
        if kind == 0:  # Pad1 has no length
            position += 1
            continue
        size = data[position + 1]
        if kind == _HOME_ADDRESS and size == 16 and position + 18 <= stop:
            cursor.source = data[position + 2 : position + 18]
        position += 2 + size


LAYERS: Final[Layers] = {
    IPV4: ipv4,
    IPV6: ipv6,
    TCP: tcp,
    IP_PROTOCOL | 1: icmp,
    IP_PROTOCOL | 58: icmpv6,
    IP_PROTOCOL | 51: authentication_header,
    IP_PROTOCOL | 4: ipv4,
    IP_PROTOCOL | 41: ipv6,
    IP_PROTOCOL | 50: "encrypted",
    IP_PROTOCOL | 132: "sctp",
}
