"""Tunnels above IP: what GRE, IP protocols and UDP ports carry.

A network's number (VXLAN, GENEVE, a GRE key) goes into the flow key, where both
directions use the same; numbers that each receiver chooses for itself (GTP-U
tunnel endpoints, L2TP and PPTP sessions) do not, or one connection would
become two halves.
"""

from __future__ import annotations

import struct
from typing import Final

from inspector.flows.layers import (
    ETHERNET,
    ETHERTYPE,
    GENEVE_TAG,
    GRE_KEY_TAG,
    IP_BY_VERSION,
    IP_PROTOCOL,
    IPV4,
    IPV6,
    MPLS,
    NVGRE_TAG,
    PPP,
    TRANSPARENT_ETHERNET,
    VXLAN_TAG,
    Answer,
    Cursor,
    Dissector,
    Layers,
    skip_to,
)

_PORTS: Final = struct.Struct("!HH").unpack_from

_GRE_CHECKSUM: Final = 0x8000
_GRE_ROUTING: Final = 0x4000
_GRE_KEY: Final = 0x2000
_GRE_SEQUENCE: Final = 0x1000
_GRE_ACKNOWLEDGMENT: Final = 0x0080
_GRE_VERSION: Final = 7
_ERSPAN: Final = 0x88BE
#: Extension headers of one GTP packet that are followed.
_GTP_MAX_EXTENSIONS: Final = 8


def gre(cursor: Cursor) -> Answer:
    """GRE of RFC 2784 with the key and sequence of RFC 2890, and PPTP's (RFC 2637 4.1)."""
    header = cursor.take(4)
    if header is None:
        return "truncated-header"
    flags, protocol = int.from_bytes(header[:2]), int.from_bytes(header[2:])
    version = flags & _GRE_VERSION
    if version > 1 or (flags & _GRE_ROUTING and not version):
        return "not-ip"
    if version:
        length = 4 + 4 * bool(flags & _GRE_SEQUENCE) + 4 * bool(flags & _GRE_ACKNOWLEDGMENT)
        return ETHERTYPE | protocol if cursor.take(length) is not None else "truncated-header"
    if flags & _GRE_CHECKSUM and cursor.take(4) is None:
        return "truncated-header"
    if flags & _GRE_KEY:
        key = cursor.take(4)
        if key is None:
            return "truncated-header"
        if ETHERTYPE | protocol == TRANSPARENT_ETHERNET:
            # NVGRE (RFC 7637 3.2): the last byte may differ between the directions.
            cursor.tag(NVGRE_TAG, int.from_bytes(key[:3]))
        else:
            cursor.tag(GRE_KEY_TAG, int.from_bytes(key))
    if flags & _GRE_SEQUENCE:
        if cursor.take(4) is None:
            return "truncated-header"
        if protocol == _ERSPAN and cursor.take(8) is None:  # type II; type I has neither
            return "truncated-header"
    return ETHERNET if protocol == _ERSPAN else ETHERTYPE | protocol


def erspan3(cursor: Cursor) -> Answer:
    """ERSPAN type III: 12 bytes, and 8 more when the last bit says so."""
    header = cursor.take(12)
    if header is None or (header[11] & 1 and cursor.take(8) is None):
        return "truncated-header"
    return ETHERNET


def cisco_metadata(cursor: Cursor) -> Answer:
    """Cisco MetaData with a security group tag: version, length, option, tag, ethertype."""
    header = cursor.take(8)
    if header is None:
        return "truncated-header"
    return ETHERTYPE | int.from_bytes(header[6:])


def redirected(cursor: Cursor) -> Answer:
    """WCCP: version 2 puts 4 bytes before the redirected packet, version 1 none."""
    start = cursor.start
    if start < cursor.end and cursor.data[start] >> 4 != 4:
        cursor.start = start + 4
    return IP_BY_VERSION


def udp(cursor: Cursor) -> Answer:
    """UDP, of interest only to and from the ports of tunnels."""
    start = cursor.start
    if cursor.end - start < 8:
        return "truncated-header"
    dissector = tunnel(*_PORTS(cursor.data, start))
    if dissector is None:
        return "udp"
    cursor.start = start + 8
    return dissector(cursor)


def tunnel(source: int, destination: int) -> Dissector | None:
    """What reads datagrams between two ports; None: they carry no tunnel that is known."""
    return _TO_PORT.get(destination) or _FROM_PORT.get(source)


def vxlan(cursor: Cursor) -> Answer:
    """VXLAN (RFC 7348 5)."""
    header = cursor.take(8)
    if header is None or not header[0] & 0x08:
        return "udp"
    cursor.tag(VXLAN_TAG, int.from_bytes(header[4:7]))
    return ETHERNET


def vxlan_gpe(cursor: Cursor) -> Answer:
    """VXLAN with a next-protocol field (draft-ietf-nvo3-vxlan-gpe 3)."""
    header = cursor.take(8)
    if header is None or not header[0] & 0x08:
        return "udp"
    cursor.tag(VXLAN_TAG, int.from_bytes(header[4:7]))
    if not header[0] & 0x04:
        return ETHERNET
    following = {1: IPV4, 2: IPV6, 3: ETHERNET, 4: ETHERTYPE | 0x894F, 5: MPLS}
    return following.get(header[3], "not-ip")


def geneve(cursor: Cursor) -> Answer:
    """GENEVE with its options (RFC 8926 3.4)."""
    header = cursor.take(8)
    if header is None or header[0] >> 6:
        return "udp"
    if cursor.take((header[0] & 0x3F) * 4) is None:
        return "truncated-header"
    cursor.tag(GENEVE_TAG, int.from_bytes(header[4:7]))
    return ETHERTYPE | int.from_bytes(header[2:4])


def gtp_user(cursor: Cursor) -> Answer:
    """GTP-U, message type 255 (3GPP TS 29.281 5): the subscriber's packet."""
    header = cursor.take(8)
    if header is None or header[0] & 0xF0 != 0x30 or header[1] != 255:
        return "udp"
    if not header[0] & 0x07:
        return IP_BY_VERSION
    optional = cursor.take(4)
    if optional is None:
        return "truncated-header"
    following = optional[3] if header[0] & 0x04 else 0
    for _ in range(_GTP_MAX_EXTENSIONS):
        if not following:
            return IP_BY_VERSION
        start = cursor.start
        words = cursor.data[start] if start < cursor.end else 0
        extension = cursor.take(words * 4)
        if not extension:
            return "truncated-header"
        following = extension[-1]
    return "too-many-layers"


def teredo(cursor: Cursor) -> Answer:
    """Teredo: authentication and origin indications, both optional (RFC 4380 5.1.1)."""
    data, end = cursor.data, cursor.end
    start = cursor.start
    if end - start >= 13 and data[start : start + 2] == b"\0\x01":
        start += 13 + data[start + 2] + data[start + 3]
    if end - start >= 8 and data[start : start + 2] == b"\0\0":
        start += 8
    if start >= end or data[start] >> 4 != 6:
        return "udp"
    cursor.start = start
    return IPV6


def ayiya(cursor: Cursor) -> Answer:
    """AYIYA (draft-massar-v6ops-ayiya 3): an identity and a signature of stated lengths."""
    header = cursor.take(8)
    if header is None or header[2] & 0x0F != 1:  # operation 1: forward
        return "udp"
    if cursor.take((1 << (header[0] >> 4)) + (header[1] >> 4) * 4) is None:
        return "udp"
    return IP_PROTOCOL | header[3] if header[3] in (4, 41) else "udp"


def l2tp(cursor: Cursor) -> Answer:
    """An L2TP version 2 data message: PPP (RFC 2661 3.1)."""
    header = cursor.take(2)
    if header is None:
        return "truncated-header"
    flags = int.from_bytes(header)
    if flags & 0x800F != 2:  # a control message, or another version
        return "udp"
    length = 4 + 2 * bool(flags & 0x4000) + 4 * bool(flags & 0x0800)
    if cursor.take(length) is None:
        return "truncated-header"
    if flags & 0x0200:
        offset = cursor.take(2)
        if offset is None or cursor.take(int.from_bytes(offset)) is None:
            return "truncated-header"
    return PPP


def ether_ip(cursor: Cursor) -> Answer:
    """EtherIP (RFC 3378 3)."""
    header = cursor.take(2)
    if header is None:
        return "truncated-header"
    return ETHERNET if header[0] >> 4 == 3 else "not-ip"


def mpls_in_udp(_cursor: Cursor) -> Answer:
    """A label stack and nothing before it (RFC 7510 3)."""
    return MPLS


#: Tunnels by the port that they are sent to.  The other port is an ephemeral one or a hash.
_TO_PORT: Final[dict[int, Dissector]] = {
    1701: l2tp,
    2152: gtp_user,
    3544: teredo,
    4789: vxlan,
    4790: vxlan_gpe,
    5072: ayiya,
    6081: geneve,
    6635: mpls_in_udp,
    8472: vxlan,
}
#: Tunnels that answer from their port to an ephemeral one.
_FROM_PORT: Final[dict[int, Dissector]] = {
    1701: l2tp,
    2152: gtp_user,
    3544: teredo,
    5072: ayiya,
}

LAYERS: Final[Layers] = {
    IP_PROTOCOL | 17: udp,
    IP_PROTOCOL | 47: gre,
    IP_PROTOCOL | 97: ether_ip,
    IP_PROTOCOL | 137: skip_to(0, MPLS),
    ETHERTYPE | 0x22EB: erspan3,
    ETHERTYPE | 0x883E: redirected,
    ETHERTYPE | 0x8909: cisco_metadata,
}
