"""Serial lines: PPP, Cisco's HDLC and frame relay.

Sources: RFC 1661 (PPP), RFC 2427 (frame relay), Wireshark's dissector for Cisco's framing.
"""

from __future__ import annotations

from typing import Final

from inspector.flows.layers import (
    ETHERNET,
    ETHERTYPE,
    IPV4,
    IPV6,
    LINK,
    MPLS,
    PPP,
    PPP_PROTOCOL,
    SNAP,
    Answer,
    Cursor,
    Layers,
    skip_to,
)


def ppp(cursor: Cursor) -> Answer:
    """A PPP frame, its address field and protocol compressed or not (RFC 1661 2, 6.5, 6.6)."""
    data, start = cursor.data, cursor.start
    if cursor.end - start < 4:
        return "truncated-header"
    if data[start + 1] == 0x03 and data[start] in (0xFF, 0x00, 0x01):  # 0 and 1 by pppd: direction
        start += 2
    elif data[start] in (0x0F, 0x8F) and data[start + 1] == 0:
        return LINK | 104
    if data[start] & 1:
        cursor.start = start + 1
        return PPP_PROTOCOL | data[start]
    cursor.start = start + 2
    return PPP_PROTOCOL | data[start] << 8 | data[start + 1]


def ppp_bridged(cursor: Cursor) -> Answer:
    """Ethernet bridged over PPP, MAC type 1 (RFC 3518 4.2)."""
    header = cursor.take(2)
    if header is None:
        return "truncated-header"
    return ETHERNET if header[1] == 1 else "not-ip"


def cisco_hdlc(cursor: Cursor) -> Answer:
    """Cisco's HDLC framing: address, control, EtherType."""
    header = cursor.take(4)
    return "truncated-header" if header is None else ETHERTYPE | int.from_bytes(header[2:])


def frame_relay(cursor: Cursor) -> Answer:
    """A Q.922 address of 2 to 4 bytes, then a network layer protocol id (RFC 2427 3)."""
    data, start, end = cursor.data, cursor.start, cursor.end
    position = start
    while position < end and position < start + 4 and not data[position] & 1:
        position += 1
    cursor.start = position + 1
    header = cursor.take(2)
    if header is None:
        return "truncated-header"
    control, protocol = header
    if control != 0x03:  # Cisco's own: an EtherType instead
        return ETHERTYPE | control << 8 | protocol
    if protocol == 0:  # padding before the id
        padded = cursor.take(1)
        protocol = padded[0] if padded else 0
    if protocol == 0x80:
        return SNAP
    return {0xCC: IPV4, 0x8E: IPV6}.get(protocol, "control")


LAYERS: Final[Layers] = {
    LINK | 9: ppp,
    LINK | 50: ppp,
    LINK | 104: cisco_hdlc,
    LINK | 107: frame_relay,
    LINK | 166: ppp,
    LINK | 204: skip_to(1, PPP),  # preceded by the direction
    PPP: ppp,
    ETHERTYPE | 0x880B: ppp,
    PPP_PROTOCOL | 0x0021: skip_to(0, IPV4),
    PPP_PROTOCOL | 0x0057: skip_to(0, IPV6),
    PPP_PROTOCOL | 0x0281: skip_to(0, MPLS),
    PPP_PROTOCOL | 0x0283: skip_to(0, MPLS),
    PPP_PROTOCOL | 0x0031: ppp_bridged,
}
