"""One TCP segment in every wrapping that the decoder knows, crafted with scapy.

Where scapy has no layer for a header, its few bytes are written out here, from
the document named in the dissector.
"""

from __future__ import annotations

import socket
from typing import Any, NamedTuple

from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.macsec import MACsec
from scapy.contrib.mpls import MPLS
from scapy.contrib.nsh import NSH
from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import GRE, LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN

PAYLOAD = b"GET /v1/models HTTP/1.1\r\n\r\n"
SOURCE, DESTINATION = "172.30.0.20", "172.30.0.30"
SOURCE6, DESTINATION6 = "fd00::20", "fd00::30"
OUTER = {"src": "192.0.2.1", "dst": "192.0.2.2"}
OUTER6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}
MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}


def segment(**fields: Any) -> Any:
    """The TCP segment that every frame here carries."""
    defaults = {"sport": 40000, "dport": 10001, "seq": 7, "ack": 9, "flags": "PA", "window": 501}
    return TCP(**(defaults | fields)) / PAYLOAD


def ip4(**fields: Any) -> Any:
    return IP(src=SOURCE, dst=DESTINATION, id=77, **fields)


def ip6(**fields: Any) -> Any:
    return IPv6(src=SOURCE6, dst=DESTINATION6, **fields)


def udp(port: int) -> Any:
    """The headers up to a tunnel's UDP port."""
    return ether() / IP(**OUTER) / UDP(sport=5, dport=port)


def ether(**fields: Any) -> Any:
    return Ether(**MACS, **fields)


def tag(kind: int, number: int) -> bytes:
    """One tag of a flow key's context."""
    return bytes([kind]) + number.to_bytes(4)


class Frame(NamedTuple):
    """A frame of one link type and the context that its flow key must carry."""

    link_type: int
    data: bytes
    context: bytes = b""


def _all() -> dict[str, Frame]:
    four = ip4() / segment()
    six = ip6() / segment()
    inner = ether() / four
    raw4, raw6, frame = bytes(four), bytes(six), bytes(inner)
    llc_snap = LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=0x0800)
    to_port = ether() / IP(**OUTER)
    dot11 = Dot11(type=2, subtype=0, FCfield=1)
    ah = AH(nh=6, payloadlen=4, spi=1, seq=1, icv=b"\0" * 12)
    gre = ether() / IP(**OUTER)
    # Link layers.
    frames = {
        "ethernet": (1, inner),
        "ethernet-ipv6": (1, ether() / six),
        "vlan": (1, ether() / Dot1Q(vlan=5) / four, tag(1, 5)),
        "vlan-priority-only": (1, ether() / Dot1Q(vlan=0, prio=3) / four),
        "vlan-ipv6": (1, ether() / Dot1Q(vlan=4095) / six, tag(1, 4095)),
        "qinq": (
            1,
            ether(type=0x88A8) / Dot1Q(vlan=5) / Dot1Q(vlan=6) / four,
            tag(1, 5) + tag(1, 6),
        ),
        "qinq-old-type": (1, ether(type=0x9100) / Dot1Q(vlan=1) / four, tag(1, 1)),
        "vlan-eight-deep": (
            1,
            bytes(ether(type=0x8100)) + b"".join(b"\0%c\x81\0" % n for n in range(1, 8))
            + b"\0\x08\x08\0" + raw4,
            b"".join(tag(1, n) for n in range(1, 9)),
        ),
        "backbone": (1, bytes(ether(type=0x88E7)) + b"\x40\0\x03\x09" + frame, tag(2, 0x309)),
        "macsec-integrity-only": (
            1,
            ether() / MACsec(SCI=b"\1" * 8, SC=1, E=0, C=0, type=0x0800) / four,
        ),
        "802.3-snap": (1, bytes(ether(type=len(raw4) + 8)) + bytes(llc_snap / four)),
        "snap-bridged": (
            100,
            b"\xaa\xaa\x03\0\x80\xc2\0\x07" + frame,
        ),
        "fabricpath": (1, bytes(ether(type=0x8903)) + b"\x04\x20" + frame),
        "mpls": (1, ether() / MPLS(label=16, s=0) / MPLS(label=17, s=1) / four),
        "mpls-ipv6": (1, ether() / MPLS(label=16, s=1) / six),
        "mpls-pseudowire": (1, bytes(ether() / MPLS(label=16, s=1)) + b"\0\0\0\0" + frame),
        "mpls-pseudowire-without-control-word": (1, bytes(ether() / MPLS(label=16, s=1)) + frame),
        "nsh": (1, bytes(ether(type=0x894F)) + bytes(NSH(nextproto=1, mdtype=2)) + raw4),
        "pppoe": (1, ether() / PPPoE(sessionid=3) / PPP(proto=0x21) / four, tag(7, 3)),
        "pppoe-ipv6": (1, ether() / PPPoE(sessionid=3) / PPP(proto=0x57) / six, tag(7, 3)),
        "cooked": (113, CookedLinux(proto=0x0800) / four),
        "cooked-vlan": (113, CookedLinux(proto=0x8100) / Dot1Q(vlan=9) / four, tag(1, 9)),
        "cooked2": (276, CookedLinuxV2(proto=0x0800) / four),
        "cooked2-ipv6": (276, CookedLinuxV2(proto=0x86DD) / six),
        "cooked2-radiotap": (
            276,
            CookedLinuxV2(lladdrtype=803) / RadioTap() / dot11 / llc_snap / four,
        ),
        "raw": (101, four),
        "raw-ipv6": (101, six),
        "raw-openbsd": (14, four),
        "raw-bsd": (12, six),
        "ipv4": (228, four),
        "ipv6": (229, six),
        "null-little-endian": (0, b"\2\0\0\0" + raw4),
        "null-big-endian": (0, b"\0\0\0\2" + raw4),
        **{
            f"null-ipv6-{family}": (0, family.to_bytes(4, "little") + raw6)
            for family in (10, 24, 28, 30)
        },
        "loop": (108, b"\0\0\0\x18" + raw6),
        "enc": (109, b"\2\0\0\0" + bytes(8) + raw4),
        "pflog": (117, b"\x3d\2" + bytes(62) + raw4),
        "ppp": (9, b"\xff\x03\0\x21" + raw4),
        "ppp-compressed": (9, b"\x21" + raw4),
        "ppp-pppd": (166, b"\1\x03\0\x57" + raw6),
        "ppp-with-direction": (204, b"\1\xff\x03\0\x21" + raw4),
        "ppp-mpls": (9, b"\xff\x03\x02\x81" + bytes(MPLS(label=9, s=1)) + raw4),
        "ppp-bridged": (9, b"\xff\x03\0\x31\0\1" + frame),
        "cisco-hdlc": (104, b"\x0f\0\x08\0" + raw4),
        "serial-cisco-hdlc": (50, b"\x8f\0\x86\xdd" + raw6),
        "frame-relay": (107, b"\x18\x41\x03\xcc" + raw4),
        "frame-relay-snap": (107, b"\x18\x41\x03\0\x80\0\0\0\x08\0" + raw4),
        "frame-relay-cisco": (107, b"\x18\x41\x08\0" + raw4),
        "fddi": (10, b"\x50" + bytes(12) + bytes(llc_snap / four)),
        "ip-over-fibre-channel": (122, bytes(16) + bytes(llc_snap / four)),
        "atm-clip-snap": (106, llc_snap / four),
        "atm-clip-raw": (106, four),
        "llc-ip": (100, b"\x06\x06\x03" + raw4),
        "arcnet-linux-1051": (129, b"\1\2\0\0\xf0" + raw4),
        "arcnet-linux-1201": (129, b"\1\2\0\0\xd4\0\0\1" + raw4),
        "arcnet-linux-1201-ipv6": (129, b"\1\2\0\0\xc4\0\0\1" + raw6),
        "arcnet-exception": (129, b"\1\2\0\0\xd4\xff\xff\xff\xd4\0\0\1" + raw4),
        "arcnet-bsd": (7, b"\1\2\xf0" + raw4),
        "nflog": (239, b"\2\0\0\0" + b"\5\0\1\0x\0\0\0" + b"\0\0\x09\0" + raw4),
        "pktap": (258, b"\x0c\0\0\0\1\0\0\0\1\0\0\0" + frame),
        "netanalyzer": (240, bytes(4) + frame),
        "netanalyzer-transparent": (241, bytes(12) + frame),
        "juniper-ethernet": (178, b"MGC\x81\0\2\xff\xff" + frame),
        "brcm": (281, frame[:12] + b"\1\2\3\4" + frame[12:]),
        "brcm-prepended": (282, b"\1\2\3\4" + frame),
        "dsa": (284, frame[:12] + b"\xc0\0\0\1" + frame[12:]),
        "edsa": (285, frame[:12] + b"\xda\xda\0\0\xc0\0\0\1" + frame[12:]),
        "802.11": (105, dot11 / llc_snap / four),
        "802.11-qos": (105, Dot11(type=2, subtype=8, FCfield=2) / Dot11QoS() / llc_snap / four),
        "802.11-four-addresses": (
            105,
            Dot11(type=2, FCfield=3, addr4="02:00:00:00:00:03") / llc_snap / four,
        ),
        "radiotap": (127, RadioTap() / dot11 / llc_snap / four),
        "radiotap-padded": (
            127,
            # present: TSFT, flags; the flag 0x20 pads the 26-byte header to 28
            b"\0\0\x11\0\3\0\0\0" + bytes(8) + b"\x20"
            + bytes(Dot11(type=2, subtype=8, FCfield=1)) + b"\0\0" + b"\0\0"
            + bytes(llc_snap / four),
        ),
        "radiotap-of-two-antennas": (
            127,
            b"\0\0\x0d\0\2\0\0\xa0\0\0\0\0\0" + bytes(dot11 / llc_snap / four),
        ),
        "per-packet": (
            192,
            b"\0\0\x10\0\x69\0\0\0" + b"\2\0\4\0" + bytes(4) + bytes(dot11 / llc_snap / four),
        ),
        "prism": (119, b"\0\0\0\x44\0\0\0\x90" + bytes(136) + bytes(dot11 / llc_snap / four)),
        "prism-avs": (
            119,
            b"\x80\x21\x10\2\0\0\0\x50" + bytes(72) + bytes(dot11 / llc_snap / four),
        ),
        "avs": (163, b"\x80\x21\x10\1\0\0\0\x40" + bytes(56) + bytes(dot11 / llc_snap / four)),
        "preamble": (274, b"\x55" * 7 + b"\xd5" + frame),
        "only-scapy-knows": (23, frame),
        # IP.
        "ip-options": (1, ether() / ip4(options=[IPOption_NOP()] * 4) / segment()),
        "tcp-options": (1, ether() / ip4() / segment(options=[("Timestamp", (1, 2))])),
        "tso": (1, ether() / ip4(len=0) / segment()),
        "jumbo-ipv6": (1, ether() / ip6(plen=0) / segment()),
        "padded": (1, frame + b"\0" * 9),
        "ah": (1, ether() / ip4() / ah / segment()),
        "ipv6-ah": (1, ether() / ip6() / ah / segment()),
        "ipv6-hop-by-hop": (1, ether() / ip6() / IPv6ExtHdrHopByHop() / segment()),
        "ipv6-extensions": (
            1,
            ether() / ip6() / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(segleft=0)
            / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 12)]) / segment(),
        ),
        "ipv6-mobility": (1, ether() / ip6(nh=135) / (b"\6\0\0\0\0\0\0\0" + bytes(segment()))),
        "ipv6-segments": (
            1,
            ether() / IPv6(src=SOURCE6, dst="fd00::99", nh=43)
            / (b"\6\4\4\1\1\0\0\0" + socket.inet_pton(socket.AF_INET6, DESTINATION6)
               + socket.inet_pton(socket.AF_INET6, "fd00::99") + bytes(segment())),
        ),
        "ipv6-waypoints": (
            1,
            ether() / IPv6(src=SOURCE6, dst="fd00::99", nh=43)
            / (b"\6\4\0\1\0\0\0\0" + socket.inet_pton(socket.AF_INET6, "fd00::99")
               + socket.inet_pton(socket.AF_INET6, DESTINATION6) + bytes(segment())),
        ),
        "ipv6-host-identity": (
            1, ether() / ip6(nh=139) / (b"\6\2" + bytes(22) + bytes(segment())),
        ),
        "ipv6-atomic-fragment": (1, ether() / ip6(nh=44) / (b"\6\0\0\0abcd" + bytes(segment()))),
        # Tunnels.
        "ipip": (1, ether() / IP(**OUTER) / four),
        "6in4": (1, ether() / IP(**OUTER) / six),
        "4in6": (1, ether() / IPv6(**OUTER6) / four),
        "6in6": (1, ether() / IPv6(**OUTER6) / six),
        "gre": (1, gre / GRE() / four),
        "gre-ipv6": (1, gre / GRE() / six),
        "gre-all-fields": (
            1,
            gre / GRE(chksum_present=1, key_present=1, key=8, seqnum_present=1) / four,
            tag(5, 8),
        ),
        "gre-ethernet": (1, gre / GRE(proto=0x6558) / inner),
        "nvgre": (1, gre / GRE(proto=0x6558, key_present=1, key=0x000123FE) / inner, tag(6, 0x123)),
        "gre-vlan": (1, gre / GRE(proto=0x6558) / ether() / Dot1Q(vlan=3) / four, tag(1, 3)),
        "pptp": (
            1,
            ether() / IP(**OUTER, proto=47)
            / (b"\x30\x81\x88\x0b\0\x20\0\1" + bytes(8) + b"\xff\x03\0\x21" + raw4),
        ),
        "erspan-1": (1, gre / GRE(proto=0x88BE) / frame),
        "erspan-2": (1, gre / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II() / inner),
        "erspan-3": (1, gre / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III() / inner),
        "cisco-metadata": (1, bytes(ether(type=0x8909)) + b"\x01\x01\0\x01\0\x0a\x08\0" + raw4),
        "wccp-2": (1, gre / GRE(proto=0x883E) / (b"\0\0\0\0" + raw4)),
        "wccp-1": (1, gre / GRE(proto=0x883E) / raw4),
        "etherip": (1, ether() / IP(**OUTER, proto=97) / (b"\x30\0" + frame)),
        "mpls-in-ip": (1, ether() / IP(**OUTER, proto=137) / MPLS(label=5, s=1) / four),
        "vxlan": (1, udp(4789) / VXLAN(vni=7) / inner, tag(3, 7)),
        "vxlan-linux": (1, udp(8472) / VXLAN(vni=7) / inner, tag(3, 7)),
        "vxlan-over-ipv6": (
            1,
            ether() / IPv6(**OUTER6) / UDP(sport=5, dport=4789) / VXLAN(vni=7) / ether() / six,
            tag(3, 7),
        ),
        "vxlan-in-vlan": (
            1,
            ether() / Dot1Q(vlan=2) / IP(**OUTER) / UDP(sport=5, dport=4789) / VXLAN(vni=7) / inner,
            tag(1, 2) + tag(3, 7),
        ),
        "vxlan-gpe": (1, udp(4790) / (b"\x0c\0\0\2\0\0\7\0" + raw6), tag(3, 7)),
        "geneve": (1, udp(6081) / GENEVE(vni=9, proto=0x6558) / inner, tag(4, 9)),
        "geneve-options": (
            1,
            udp(6081) / (b"\2\0\x86\xdd\0\0\x09\0" + bytes(8) + raw6),
            tag(4, 9),
        ),
        "gtp-u": (1, to_port / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=1) / four),
        "gtp-u-extension": (
            1,
            udp(2152)
            / (b"\x34\xff\0\0\0\0\0\1" + b"\0\0\0\x85" + b"\1\0\0\0" + raw4),
        ),
        "teredo": (1, to_port / UDP(sport=3544, dport=5) / six),
        "teredo-indications": (
            1,
            udp(3544)
            / (b"\0\1\1\2IAA" + bytes(9) + b"\0\0" + bytes(6) + raw6),
        ),
        "ayiya": (1, udp(5072) / (b"\x42\x52\x11\x29" + bytes(4 + 16 + 20) + raw6)),
        "l2tp": (1, udp(1701) / (b"\x40\x02\0\0\0\1\0\1\xff\x03\0\x21" + raw4)),
        "l2tp-all-fields": (
            1,
            to_port / UDP(sport=1701, dport=1701)
            / (b"\x4a\x02\0\0\0\1\0\1\0\0\0\0\0\2zz\xff\x03\0\x21" + raw4),
        ),
        "mpls-in-udp": (1, udp(6635) / MPLS(label=5, s=1) / four),
    }  # fmt: skip
    return {name: Frame(row[0], bytes(row[1]), *row[2:]) for name, row in frames.items()}  # type: ignore[arg-type]


FRAMES = _all()
