"""Link layers: what a link type, an EtherType or a PPP protocol number announces.

Sources: the LINKTYPE_ registry of tcpdump.org for the headers that capture
programs write, IEEE 802.1Q, 802.1AE, 802.1ah and 802.11, RFC 1042 (SNAP), 1051 and
1201 (ARCnet), 1661 (PPP), 2516 (PPPoE), 2427 (frame relay), 3032 (MPLS), 8300
(NSH); where a header is a vendor's own, Wireshark's dissector.
"""

from __future__ import annotations

from typing import Final

from inspector.flows.layers import (
    ETHERNET,
    ETHERTYPE,
    IP_BY_VERSION,
    IPV4,
    IPV6,
    LINK,
    LLC,
    PBB_SERVICE_TAG,
    PPP,
    PPPOE_TAG,
    SNAP,
    VLAN_TAG,
    Answer,
    Cursor,
    Dissector,
    Layers,
    announcing,
    skip_to,
)

#: VLAN tags of one frame that are followed; two are in use (802.1ad).
_MAX_VLAN_TAGS: Final = 8
#: Labels of one MPLS stack that are followed.
_MAX_LABELS: Final = 16
_VLAN_TYPES: Final = frozenset({0x8100, 0x88A8, 0x9100, 0x9200, 0x9300})
_COMMON_TYPES: Final = frozenset({b"\x08\0", b"\x86\xdd", b"\x81\0", b"\x88\xa8"})
#: The address families that mean IPv6 on NetBSD, FreeBSD, Darwin, and Linux.
_FAMILIES: Final = {2: IPV4, 24: IPV6, 28: IPV6, 30: IPV6, 10: IPV6}
#: Hardware types (ARPHRD_) under which the cooked header's protocol is no EtherType.
_COOKED_HARDWARE: Final = {801: LINK | 105, 803: LINK | 127, 824: LINK | 253}


def ethernet(cursor: Cursor) -> Answer:
    """Two addresses and an EtherType, or a length (IEEE 802.3)."""
    start = cursor.start
    if cursor.end - start < 14:
        return "truncated-header"
    data = cursor.data
    cursor.start = start + 14
    return cursor.type_or_length(data[start + 12] << 8 | data[start + 13])


def vlan(cursor: Cursor) -> Answer:
    """A stack of 802.1Q tags.  VLAN 0 is a mere priority (9.6) and no context."""
    data = cursor.data
    for _ in range(_MAX_VLAN_TAGS):
        start = cursor.start
        if cursor.end - start < 4:
            return "truncated-header"
        number = (data[start] << 8 | data[start + 1]) & 0xFFF
        following = data[start + 2] << 8 | data[start + 3]
        cursor.start = start + 4
        if number:
            cursor.tag(VLAN_TAG, number)
        if following not in _VLAN_TYPES:
            return cursor.type_or_length(following)
    return "too-many-layers"


def backbone(cursor: Cursor) -> Answer:
    """A provider backbone service tag, then the customer's Ethernet (802.1ah)."""
    service = cursor.take(4)
    if service is None:
        return "truncated-header"
    cursor.tag(PBB_SERVICE_TAG, int.from_bytes(service) & 0xFFFFFF)
    return ETHERNET


def macsec(cursor: Cursor) -> Answer:
    """A MACsec tag; readable where only integrity is protected (802.1AE 9)."""
    tag = cursor.take(6)
    if tag is None:
        return "truncated-header"
    if tag[0] & 0x08:
        return "encrypted"
    following = cursor.take(10 if tag[0] & 0x20 else 2)  # with or without the channel's name
    return "truncated-header" if following is None else ETHERTYPE | int.from_bytes(following[-2:])


def mpls(cursor: Cursor) -> Answer:
    """A label stack; what follows the last label only shows by looking (RFC 4928)."""
    data = cursor.data
    start = cursor.start
    for _ in range(_MAX_LABELS):
        if cursor.end - start <= 4:
            return "truncated-header"
        bottom = data[start + 2] & 1
        start += 4
        if bottom:
            break
    else:
        return "too-many-layers"
    cursor.start = start
    first = data[start] >> 4
    if first == 4 or first == 6:
        return IP_BY_VERSION
    # A pseudowire's Ethernet frame, behind a control word (RFC 4385) or not.  Its
    # first half byte 0 may also begin an address: then the EtherType decides.
    head = data[start : min(start + 18, cursor.end)]
    if first == 0 and (head[16:] in _COMMON_TYPES or head[12:14] not in _COMMON_TYPES):
        cursor.start = start + 4
    return ETHERNET


def pppoe(cursor: Cursor) -> Answer:
    """A PPPoE session header (RFC 2516 4)."""
    header = cursor.take(6)
    if header is None:
        return "truncated-header"
    if header[1]:
        return "control"
    cursor.tag(PPPOE_TAG, int.from_bytes(header[2:4]))
    return PPP


def service_header(cursor: Cursor) -> Answer:
    """A network service header (RFC 8300 2)."""
    start = cursor.start
    if cursor.end - start < 8:
        return "truncated-header"
    words, following = cursor.data[start + 1] & 0x3F, cursor.data[start + 3]
    cursor.start = start + max(words, 1) * 4
    if cursor.start > cursor.end:
        return "truncated-header"
    return {1: IPV4, 2: IPV6, 3: ETHERNET}.get(following, "not-ip")


def llc(cursor: Cursor) -> Answer:
    """IEEE 802.2: of interest as SNAP, or with the rare SAP of IP (6)."""
    start = cursor.start
    header = cursor.take(3)
    if header is None:
        return "truncated-header"
    if header == b"\xaa\xaa\x03":
        return SNAP
    if header == b"\x06\x06\x03":
        return IP_BY_VERSION
    if header[:2] == b"\x42\x42":  # spanning tree
        return "control"
    cursor.start = start
    return "llc"


def snap(cursor: Cursor) -> Answer:
    """An organisation and its protocol number (RFC 1042)."""
    header = cursor.take(5)
    if header is None:
        return "truncated-header"
    organisation, protocol = header[:3], int.from_bytes(header[3:])
    if organisation in (b"\0\0\0", b"\0\0\xf8"):
        return ETHERTYPE | protocol
    if organisation == b"\0\x80\xc2" and protocol in (1, 7):  # bridged Ethernet, RFC 2427 4.2
        return ETHERNET
    return "llc"


def cooked(cursor: Cursor) -> Answer:
    """Linux cooked capture, version 1 (`LINKTYPE_LINUX_SLL`)."""
    start = cursor.start
    if cursor.end - start < 16:
        return "truncated-header"
    data = cursor.data
    cursor.start = start + 16
    hardware = data[start + 2] << 8 | data[start + 3]
    return _cooked(cursor, hardware, data[start + 14] << 8 | data[start + 15])


def cooked2(cursor: Cursor) -> Answer:
    """Linux cooked capture, version 2 (`LINKTYPE_LINUX_SLL2`)."""
    start = cursor.start
    if cursor.end - start < 20:
        return "truncated-header"
    data = cursor.data
    cursor.start = start + 20
    hardware = data[start + 8] << 8 | data[start + 9]
    return _cooked(cursor, hardware, data[start] << 8 | data[start + 1])


def _cooked(cursor: Cursor, hardware: int, protocol: int) -> Answer:
    other = _COOKED_HARDWARE.get(hardware)
    if other is not None:
        return other
    if protocol == 4:
        return LLC
    return cursor.type_or_length(protocol) if protocol >= 0x0600 else "not-ip"


def null(cursor: Cursor) -> Answer:
    """BSD loopback: an address family in the byte order of whoever captured."""
    header = cursor.take(4)
    if header is None:
        return "truncated-header"
    family = int.from_bytes(header, "little")
    if family > 0xFFFF:
        family = int.from_bytes(header, "big")
    return _FAMILIES.get(family, "not-ip")


def encapsulated(cursor: Cursor) -> Answer:
    """OpenBSD's `enc`: a family in host order, a security parameter index, flags."""
    answer = null(cursor)
    return "truncated-header" if cursor.take(8) is None else answer


def packet_filter_log(cursor: Cursor) -> Answer:
    """OpenBSD's `pflog`: its own length, padded to 4, and a family."""
    start = cursor.start
    if cursor.end - start < 4:
        return "truncated-header"
    cursor.start = start + (cursor.data[start] + 3 & ~3)
    return _FAMILIES.get(cursor.data[start + 1], "not-ip")


def netfilter_log(cursor: Cursor) -> Answer:
    """NFLOG: a family, then attributes in host order; attribute 9 is the packet."""
    data = cursor.data
    family = cursor.take(4)
    if family is None:
        return "truncated-header"
    while True:
        start = cursor.start
        header = cursor.take(4)
        if header is None:
            return "truncated-header"
        length = int.from_bytes(header[:2], "little")
        if data[start + 2] == 9:
            return _FAMILIES.get(family[0], "not-ip")
        if length < 4:
            return "not-ip"
        cursor.start = start + (length + 3 & ~3)


def juniper_ethernet(cursor: Cursor) -> Answer:
    """Junos: a magic number, flags, extensions if bit 7 is set, then Ethernet."""
    header = cursor.take(4)
    if header is None:
        return "truncated-header"
    if header[:3] != b"MGC" or header[3] & 0x02:  # bit 1: no link layer was captured
        return "not-ip"
    if header[3] & 0x80:
        length = cursor.take(2)
        if length is None or cursor.take(int.from_bytes(length)) is None:
            return "truncated-header"
    return ETHERNET


def _arcnet(offset_bytes: int) -> Dissector:
    """ARCnet, which Linux captures with two more bytes behind the addresses."""

    def arcnet(cursor: Cursor) -> Answer:
        header = cursor.take(3 + offset_bytes)
        if header is None:
            return "truncated-header"
        kind = header[-1]
        if kind == 240:  # RFC 1051 has no header behind the type
            return IPV4
        if kind not in (212, 196):
            return "arp" if kind in (213, 214, 241) else "not-ip"
        split = cursor.take(3)  # RFC 1201: split flag, sequence number
        if split is not None and split[0] == 0xFF:  # an exception frame repeats the header
            split = cursor.take(4)
            split = split and split[1:]
        if split is None:
            return "truncated-header"
        if split[0]:
            return "link-fragment"
        return IPV4 if kind == 212 else IPV6

    return arcnet


def _switch_tag(length: int) -> Dissector:
    """Ethernet with a switch's own tag behind the addresses."""

    def switch_tag(cursor: Cursor) -> Answer:
        header = cursor.take(14 + length)
        if header is None:
            return "truncated-header"
        return cursor.type_or_length(int.from_bytes(header[-2:]))

    return switch_tag


def _fibre_or_snap(cursor: Cursor) -> Answer:
    """Classical IP over ATM as Linux captures it: SNAP, or IP alone."""
    start = cursor.start
    return LLC if cursor.data[start : min(start + 2, cursor.end)] == b"\xaa\xaa" else IP_BY_VERSION


LAYERS: Final[Layers] = {
    LINK | 0: null,
    LINK | 1: ethernet,
    LINK | 7: _arcnet(0),
    LINK | 10: skip_to(13, LLC),  # FDDI
    LINK | 12: skip_to(0, IP_BY_VERSION),
    LINK | 14: skip_to(0, IP_BY_VERSION),
    LINK | 51: pppoe,
    LINK | 100: llc,  # RFC 1483
    LINK | 101: skip_to(0, IP_BY_VERSION),
    LINK | 106: _fibre_or_snap,
    LINK | 108: null,
    LINK | 109: encapsulated,
    LINK | 113: cooked,
    LINK | 117: packet_filter_log,
    LINK | 122: skip_to(16, LLC),  # RFC 2625
    LINK | 129: _arcnet(2),
    LINK | 178: juniper_ethernet,
    LINK | 228: skip_to(0, IPV4),
    LINK | 229: skip_to(0, IPV6),
    LINK | 239: netfilter_log,
    LINK | 240: skip_to(4, ETHERNET),  # Hilscher netANALYZER
    LINK | 241: skip_to(12, ETHERNET),
    LINK | 253: "control",  # netlink
    LINK | 258: announcing(slice(0, 4), slice(8, 12)),  # Darwin's `pktap`
    LINK | 274: skip_to(8, ETHERNET),  # a preamble (IEEE 802.3br)
    LINK | 276: cooked2,
    LINK | 281: _switch_tag(4),  # Broadcom
    LINK | 282: skip_to(4, ETHERNET),  # Broadcom, prepended
    LINK | 284: _switch_tag(4),  # Marvell DSA
    LINK | 285: _switch_tag(8),  # Marvell EtherType DSA
    LLC: llc,
    SNAP: snap,
    ETHERTYPE | 0x0806: "arp",
    ETHERTYPE | 0x8035: "arp",
    ETHERTYPE | 0x88CC: "control",
    ETHERTYPE | 0x8809: "control",
    ETHERTYPE | 0x888E: "control",
    ETHERTYPE | 0x9000: "control",
    ETHERTYPE | 0x8863: "control",
    ETHERTYPE | 0x8847: mpls,
    ETHERTYPE | 0x8848: mpls,
    ETHERTYPE | 0x8864: pppoe,
    ETHERTYPE | 0x88E5: macsec,
    ETHERTYPE | 0x88E7: backbone,
    ETHERTYPE | 0x894F: service_header,
    ETHERTYPE | 0x8903: skip_to(2, ETHERNET),  # Cisco FabricPath
    ETHERTYPE | 0x6558: ethernet,
    **{ETHERTYPE | number: vlan for number in _VLAN_TYPES},
}
