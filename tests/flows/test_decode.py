"""Every wrapping of a TCP segment, crafted with scapy, decoded to the same segment."""

from __future__ import annotations

import socket

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    HAO,
    ICMPv6DestUnreach,
    ICMPv6PacketTooBig,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrRouting,
    Pad1,
    PadN,
)
from scapy.layers.l2 import ARP, Dot1Q
from scapy.layers.vxlan import VXLAN

from inspector.flows.decode import (
    FAULTS,
    MAX_LAYERS,
    REASONS,
    IcmpUnreachable,
    SlowDecoder,
    TcpPacket,
)
from tests.flows.frames import (
    DESTINATION,
    DESTINATION6,
    FRAMES,
    MACS,
    OUTER,
    PAYLOAD,
    SOURCE,
    SOURCE6,
    ether,
    ip4,
    ip6,
    segment,
    tag,
    udp,
)

ENDS4 = socket.inet_aton(SOURCE), socket.inet_aton(DESTINATION)
ENDS6 = socket.inet_pton(socket.AF_INET6, SOURCE6), socket.inet_pton(socket.AF_INET6, DESTINATION6)
PORTS, PORTS_BACK = b"\x9c\x40\x27\x11", b"\x27\x11\x9c\x40"


def decode(
    frame: object, link_type: int = 1, wire: int = 0
) -> tuple[TcpPacket | IcmpUnreachable | str, list[str]]:
    """The outcome for one frame, and the names of the faults."""
    decoder = SlowDecoder()
    data = bytes(frame)  # type: ignore[call-overload]
    outcome = decoder.decode(link_type, data, 0, len(data), wire or len(data), 0)
    names = [name for name, _ in decoder.faults]
    assert set(names) <= FAULTS.keys()
    assert not isinstance(outcome, str) or outcome in REASONS
    return outcome, names


def decode_tcp(frame: object, link_type: int = 1, wire: int = 0) -> TcpPacket:
    outcome, names = decode(frame, link_type, wire)
    assert isinstance(outcome, TcpPacket), outcome
    assert names == []
    return outcome


@pytest.mark.parametrize("name", FRAMES)
def test_the_same_segment_comes_out_of_every_wrapping(name: str) -> None:
    link_type, data, context = FRAMES[name]
    # A batch holds other packets before and behind this one.
    before, behind = b"\x45" * 33, b"\x06" * 70
    decoder = SlowDecoder()
    packet = decoder.decode(link_type, before + data + behind, len(before), len(data), len(data), 0)
    assert isinstance(packet, TcpPacket), packet
    assert decoder.faults == []
    source, destination = ENDS4 if len(packet.source) == 4 else ENDS6
    assert packet == TcpPacket(
        key=context + source + destination + PORTS,
        reverse=context + destination + source + PORTS_BACK,
        source=source,
        destination=destination,
        sport=40000,
        dport=10001,
        ident=77 if len(source) == 4 else 0,
        seq=7,
        ack=9,
        flags=0x18,
        window=501,
        data=packet.data,
        start=packet.start,
        end=packet.end,
        missing=0,
    )
    assert packet.data[packet.start : packet.end] == PAYLOAD


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_cut_anywhere_gives_a_shorter_segment_or_a_reason(name: str) -> None:
    link_type, data, _ = FRAMES[name]
    decoder = SlowDecoder()
    for captured in range(len(data)):
        # The rest of the buffer is the next packet's: no byte of it may be read as this one's.
        buffer = data[:captured] + b"\xee" * 100
        outcome = decoder.decode(link_type, buffer, 0, captured, len(data), 0)
        if isinstance(outcome, TcpPacket):
            got = outcome.data[outcome.start : outcome.end]
            assert PAYLOAD.startswith(got)
            assert len(got) + outcome.missing == len(PAYLOAD)
            assert (outcome.sport, outcome.dport) == (40000, 10001)
        else:
            assert outcome in REASONS


def test_a_key_without_context_is_the_twelve_bytes_of_the_wire() -> None:
    data = bytes(ether() / ip4() / segment())
    assert decode_tcp(data).key == data[26:38]


def test_the_reverse_key_is_the_key_of_the_answer() -> None:
    there = decode_tcp(ether() / Dot1Q(vlan=5) / ip4() / segment())
    answer = IP(src=DESTINATION, dst=SOURCE) / TCP(sport=10001, dport=40000)
    back = decode_tcp(ether() / Dot1Q(vlan=5) / answer)
    assert (there.key, there.reverse) == (back.reverse, back.key)


def test_contexts_keep_equal_addresses_apart() -> None:
    tenants = [
        ether() / Dot1Q(vlan=1) / Dot1Q(vlan=2) / ip4(),
        ether() / Dot1Q(vlan=2) / Dot1Q(vlan=1) / ip4(),
        ether() / Dot1Q(vlan=1) / ip4(),
        ether() / ip4(),
        udp(4789) / VXLAN(vni=1) / ether() / ip4(),
        udp(4789) / VXLAN(vni=2) / ether() / ip4(),
    ]
    assert len({decode_tcp(tenant / segment()).key for tenant in tenants}) == len(tenants)


def test_a_key_of_any_number_of_tags_is_never_one_of_the_other_family() -> None:
    lengths4 = {12 + len(tag(1, 1)) * tags for tags in range(60)}
    lengths6 = {36 + len(tag(1, 1)) * tags for tags in range(60)}
    assert not lengths4 & lengths6


def test_a_packet_shows_none_of_its_bytes_when_printed() -> None:
    assert "GET" not in repr(decode_tcp(ether() / ip4() / segment()))


def test_frame_padding_is_no_payload() -> None:
    packet = decode_tcp(bytes(ether() / ip4() / TCP(sport=1, dport=2)) + bytes(6))
    assert packet.start == packet.end
    assert packet.missing == 0


def test_a_snap_length_inside_the_tcp_options_leaves_the_whole_payload_missing() -> None:
    data = bytes(ether() / ip4() / segment(options=[("Timestamp", (1, 2))]))
    packet = decode_tcp(data[: 14 + 20 + 24], wire=len(data))
    assert packet.start == packet.end
    assert packet.missing == len(PAYLOAD)


def test_an_ip_length_beyond_the_frame_is_named_and_the_frame_believed() -> None:
    for layers in (ip4(len=9000), ip6(plen=9000)):
        packet, names = decode(ether() / layers / segment())
        assert isinstance(packet, TcpPacket)
        assert names == ["lying-ip-length"]
        assert packet.data[packet.start : packet.end] == PAYLOAD
        assert packet.missing == 0


def test_a_packet_under_way_through_listed_hops_belongs_to_the_flow_to_the_last() -> None:
    routed = IPv6(src=SOURCE6, dst="fd00::99") / IPv6ExtHdrRouting(
        type=0, segleft=1, addresses=["fd00::98", DESTINATION6]
    )
    assert decode_tcp(ether() / routed / segment()).key == b"".join(ENDS6) + PORTS


def test_a_segment_routed_packet_belongs_to_the_flow_to_the_first_listed() -> None:
    header = b"\x06\x04\x04\x01\x01\0\0\0" + ENDS6[1] + b"\xfd" * 16
    routed = IPv6(src=SOURCE6, dst="fd00::99", nh=43) / (header + bytes(segment()))
    assert decode_tcp(ether() / routed).key == b"".join(ENDS6) + PORTS


def test_a_mobile_node_is_known_by_its_home_address() -> None:
    away = IPv6(src="2001:db8::9", dst=DESTINATION6)
    for before in ([], [Pad1(), Pad1()], [PadN(optdata=b"\0\0\0")]):
        options = IPv6ExtHdrDestOpt(options=[*before, HAO(hoa=SOURCE6)])
        assert decode_tcp(ether() / away / options / segment()).key == b"".join(ENDS6) + PORTS


@pytest.mark.parametrize("code", [0, 1, 3, 10, 13])
def test_an_unreachable_message_names_the_flow_it_quotes(code: int) -> None:
    quoted = bytes(ip4() / segment())[:28]
    outcome, _ = decode(ether() / Dot1Q(vlan=4) / IP(**OUTER) / ICMP(type=3, code=code) / quoted)
    context = tag(1, 4)
    assert outcome == IcmpUnreachable(
        key=context + b"".join(ENDS4) + PORTS,
        reverse=context + ENDS4[1] + ENDS4[0] + PORTS_BACK,
        code=code,
        version=4,
    )


def test_an_unreachable_message_of_ipv6_may_quote_extension_headers() -> None:
    for layers in (ip6(), ip6() / IPv6ExtHdrDestOpt(), ip6(nh=44) / b"\x06\0\0\1abcd"):
        quoted = bytes(layers / segment() if layers.nh != 44 else layers) + bytes(segment())
        outcome, _ = decode(ether() / ip6() / ICMPv6DestUnreach(code=1) / quoted)
        assert outcome == IcmpUnreachable(
            b"".join(ENDS6) + PORTS, ENDS6[1] + ENDS6[0] + PORTS_BACK, 1, 6
        )


@pytest.mark.parametrize(
    ("quoted", "reason"),
    [
        (ip4() / UDP(sport=1, dport=2), "icmp-unreachable"),
        (ip4(frag=9) / segment(), "icmp-unreachable"),
        (b"\x45", "icmp-unreachable"),
        (bytes(ip4() / segment())[:22], "icmp-unreachable"),
        (b"\x65" + bytes(ip4() / segment())[1:], "icmp-unreachable"),
    ],
)
def test_an_unreachable_message_that_quotes_no_tcp_says_so(quoted: object, reason: str) -> None:
    assert decode(ether() / IP(**OUTER) / ICMP(type=3, code=1) / quoted)[0] == reason


def test_asking_for_smaller_packets_is_no_refusal() -> None:
    quoted = ip4() / segment()
    assert decode(ether() / IP(**OUTER) / ICMP(type=3, code=4) / quoted)[0] == "icmp"
    assert decode(ether() / ip6() / ICMPv6PacketTooBig() / (ip6() / segment()))[0] == "icmp"


ESP = ether() / ip4(proto=50) / bytes(40)


@pytest.mark.parametrize(
    ("link_type", "frame", "reason"),
    [
        (1, ether() / ARP(psrc=SOURCE, pdst=DESTINATION, hwsrc=MACS["src"]), "arp"),
        (1, ether() / ip4() / UDP(sport=53, dport=53) / b"x", "udp"),
        (1, ether() / ip4() / ICMP(), "icmp"),
        (1, ESP, "encrypted"),
        (1, ether() / ip4(proto=89) / bytes(20), "not-tcp"),
        (1, ether() / ip4(proto=132) / bytes(20), "sctp"),
        (1, ether(type=0x88CC) / bytes(20), "control"),
        (1, ether(type=0x1234) / bytes(20), "not-ip"),
        (1, bytes(ether(type=3)) + b"\x42\x42\x03" + bytes(40), "control"),
        (1, bytes(ether(type=3)) + b"\xe0\xe0\x03" + bytes(40), "llc"),
        (1, ether() / ip6(nh=59), "no-next-header"),
        (1, ether(type=0x0800) / bytes(ip6() / segment()), "bad-ip-header"),
        (1, ether(type=0x86DD) / bytes(40), "bad-ip-header"),
        (1, ether() / ip4(ihl=4) / segment(), "bad-ip-header"),
        (1, ether() / ip4() / segment(dataofs=4), "bad-tcp-header"),
        (1, ether() / ip4() / TCP(dataofs=15), "bad-tcp-header"),
        (1, ether() / ip4(proto=6) / b"\0\1", "truncated-header"),
        (1, b"", "truncated-header"),
        (101, b"\x10", "not-ip"),
        (105, b"\x80\0" + bytes(40), "control"),
        (105, b"\x08\x41" + bytes(40), "encrypted"),
        (129, b"\1\2\0\0\xd4\1\0\1" + bytes(30), "link-fragment"),
        (253, bytes(40), "control"),
        (105, b"\x08\x04" + bytes(40), "link-fragment"),
        (105, b"\x08\0" + bytes(20) + b"\1\0" + bytes(20), "link-fragment"),
        (105, b"\x88\0" + bytes(22) + b"\x80\0" + bytes(40), "link-fragment"),
        (113, bytes(14) + b"\0\x01" + bytes(40), "not-ip"),
        (113, bytes(14) + b"\0\x04\x42\x42\x03" + bytes(40), "control"),
        (178, b"MGC\2" + bytes(40), "not-ip"),
        (178, b"????" + bytes(40), "not-ip"),
        (239, b"\2\0\0\0\0\0\1\0" + bytes(40), "not-ip"),
        (258, b"\x0c\0\0\0\1\0\0\0\0\0\1\0" + bytes(40), "unknown-link-type"),
        (1, ether(type=0x8864) / (b"\x11\x09\0\0\0\0" + bytes(20)), "control"),
        (1, ether(type=0x8847) / bytes(200), "too-many-layers"),
        (1, ether(type=0x88E5) / (b"\x0c" + bytes(40)), "encrypted"),
        (1, ether() / ip4(proto=47) / (b"\0\7" + bytes(20)), "not-ip"),
        (1, udp(4789) / bytes(40), "udp"),
        (1, udp(6081) / (b"\xc0" + bytes(40)), "udp"),
        (1, udp(2152) / bytes(40), "udp"),
        (1, udp(2152) / (b"\x34\xff" + bytes(9) + b"\x85" + b"\1\0\0\x85" * 9), "too-many-layers"),
        (1, udp(5072) / bytes(40), "udp"),
        (1, udp(1701) / (b"\x80\2" + bytes(40)), "udp"),
        (1, udp(3544) / bytes(40), "udp"),
        (9, b"\xff\x03\xc0\x21" + bytes(8), "control"),
    ],
)  # fmt: skip
def test_what_is_no_tcp_says_why(link_type: int, frame: object, reason: str) -> None:
    assert decode(frame, link_type)[0] == reason


def test_a_link_type_that_nobody_knows_is_named_once() -> None:
    decoder = SlowDecoder()
    outcomes = {decoder.decode(65000, bytes(60), 0, 60, 60, 0) for _ in range(20)}
    assert outcomes == {"unknown-link-type"}
    assert decoder.faults == [("undecoded-kind", "link type 65000")]


def test_scapy_is_given_up_for_a_link_type_that_only_disappoints() -> None:
    decoder = SlowDecoder()
    link_type, good, _ = FRAMES["only-scapy-knows"]
    for _ in range(20):
        assert decoder.decode(link_type, b"\xff" * 60, 0, 60, 60, 0) == "unknown-link-type"
    assert [name for name, _ in decoder.faults] == ["undecoded-kind"]
    assert decoder.decode(link_type, good, 0, len(good), len(good), 0) == "unknown-link-type"


def test_frame_check_bits_above_the_link_type_are_ignored() -> None:
    assert decode_tcp(ether() / ip4() / segment(), 0x3000_0001).dport == 10001


@pytest.mark.parametrize("depth", [1, 5, 19, 20, 21, 22, 30, 300])
def test_tunnels_in_tunnels_are_followed_to_a_stated_depth(depth: int) -> None:
    outer = bytes(IP(**OUTER, proto=4, len=0))
    outcome, names = decode(bytes(ether(type=0x0800)) + outer * depth + bytes(ip4() / segment()))
    if depth + len(("ethernet", "ip", "tcp")) <= MAX_LAYERS:
        assert isinstance(outcome, TcpPacket)
    else:
        assert (outcome, names) == ("too-many-layers", ["too-many-layers"])


@pytest.mark.parametrize("tags", [7, 8, 9, 1000])
def test_vlan_stacks_are_followed_to_eight(tags: int) -> None:
    stack = b"\x81\0\0\1" * tags
    data = bytes(ether())[:12] + stack + b"\x08\0" + bytes(ip4() / segment())
    outcome, _ = decode(data)
    assert isinstance(outcome, TcpPacket) if tags < 9 else outcome == "too-many-layers"


def test_extension_headers_without_end_are_given_up() -> None:
    chain = b"\0\0" + bytes(6)
    outcome, _ = decode(ether() / ip6(nh=0) / (chain * 60))
    assert outcome == "too-many-layers"


def test_a_frame_of_an_unknown_ethertype_is_told_of_by_its_number() -> None:
    frame = bytes(ether(type=0x1234)) + bytes(20)
    decoder = SlowDecoder()
    assert decoder.decode(1, frame, 0, len(frame), len(frame), 0) == "not-ip"
    assert decoder.faults == [("unread-ethertype", "the first has ethertype 0x1234")]
