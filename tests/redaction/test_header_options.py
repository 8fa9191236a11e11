"""Of options in headers stay numbers that the tables list; of others kind and length."""

from __future__ import annotations

from struct import pack

import pytest
from scapy.layers.inet import IP, TCP, UDP, IPOption, fragment
from scapy.layers.inet6 import (
    HAO,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    PadN,
)
from scapy.layers.inet6 import HBHOptUnknown as UnknownOption
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from inspector.flows.decode import SlowDecoder
from inspector.flows.layers import IPV4, IPV6
from inspector.flows.layers import TCP as TCP_KEY
from inspector.redaction.header_options import Header, unlisted
from tests.flows.frames import MACS
from tests.redaction.test_canary import report_of
from tests.redaction.test_frames import batch_of, redacted

SAID = b"LABONLY-option-x"
ENDS = {"src": "172.30.0.20", "dst": "172.30.0.30"}
ENDS6 = {"src": "fd00::20", "dst": "fd00::30"}
MACS_ETHERTYPE = bytes(Ether(**MACS))[:12]
REQUEST = b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n"


def tcp(*options: object, flags: str = "PA") -> Packet:
    return TCP(sport=40000, dport=10001, seq=7, ack=9, flags=flags, options=list(options))


def header(options: bytes) -> bytes:
    """A TCP header with these options, of whole words."""
    return bytes(12) + bytes([(20 + len(options)) << 2]) + bytes(7) + options


def hidden(data: bytes, key: int = TCP_KEY) -> bytes:
    out = bytearray(data)
    for _, start, stop in unlisted([Header(key, 0, data)]):
        out[start:stop] = b"x" * (stop - start)
    return bytes(out)


@pytest.mark.parametrize(
    "options",
    [
        b"\x02\x04\x05\xb4\x04\x02\x08\x0aTIME-ABC\x01\x03\x03\x07",
        b"\x01\x01\x08\x0aTIME-ABC",
        b"\x01\x01\x05\x0aSACKSACK\x00\x00\x00\x00",
        b"\x01\x01\x05\x12SACKSACKSACKSACK\x00\x00",
    ],
    ids=["of a SYN", "timestamps", "one SACK", "two SACKs"],
)
def test_the_listed_ones_stay(options: bytes) -> None:
    assert hidden(header(options)) == header(options)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (b"\x01\x01\xfe\x12" + SAID, b"\x01\x01\xfe\x12" + b"x" * 16),
        (b"\x22\x0aLABONLY!\x01\x01", b"\x22\x0axxxxxxxx\x01\x01"),
        (b"\x08\x0cLABONLY-ti", b"\x08\x0cxxxxxxxxxx"),
        (b"\x00LABONLYLABONLY!", b"\x00xxxxxxxxxxxxxxx"),
        (b"\x01\xfd\x00LABONLYLABONL", b"\x01\xfdxxxxxxxxxxxxxx"),
        (b"\xfd\xffLABONLYLABONLY", b"\xfdxxxxxxxxxxxxxxx"),
    ],
    ids=["unassigned", "a cookie", "a length of its own", "behind the end", "no length", "lies"],
)
def test_of_others_the_value_is_blank(options: bytes, kept: bytes) -> None:
    assert hidden(header(options)) == header(kept)


def test_options_of_ip_are_blank_but_for_their_kinds() -> None:
    packet = bytes(IP(**ENDS, options=[IPOption(b"\x82\x12" + SAID), IPOption(b"\x01")]))
    out = hidden(packet, IPV4)
    assert SAID not in out
    assert out[20:22] == b"\x82\x12"
    assert out[:20] == packet[:20]


def test_options_of_ipv6_are_blank_but_for_a_home_address() -> None:
    packet = bytes(
        IPv6(**ENDS6)
        / IPv6ExtHdrHopByHop(options=[UnknownOption(otype=0x3E, optdata=SAID)])
        / IPv6ExtHdrDestOpt(options=[HAO(hoa="fd00::77"), PadN(optdata=b"LABONLY")])
        / tcp()
    )
    out = hidden(packet, IPV6)
    assert b"LABONLY" not in out
    assert bytes.fromhex("fd000000000000000000000000000077") in out
    assert len(out) == len(packet)


@pytest.mark.parametrize(
    "packet",
    [
        IP(**ENDS) / tcp((254, SAID)) / REQUEST,
        IP(**ENDS, options=[IPOption(b"\x82\x12" + SAID)]) / tcp() / REQUEST,
        IP(**ENDS, options=[IPOption(b"\x82\x12" + SAID)]) / UDP(sport=5, dport=53) / b"x",
        IPv6(**ENDS6) / IPv6ExtHdrDestOpt(options=[UnknownOption(otype=0x3E, optdata=SAID)]) / tcp()
        / REQUEST,
        IP(**ENDS) / UDP(sport=9, dport=6081)
        / (b"\x05\0\x65\x58\0\0\7\0" + b"\1\2\3\4" + SAID) / Ether(**MACS) / IP(**ENDS) / tcp()
        / REQUEST,
    ],
    ids=["TCP", "IP", "IP before UDP", "IPv6", "GENEVE"],
)  # fmt: skip
def test_in_a_frame_they_are_blank_and_the_report_is_the_same(packet: Packet) -> None:
    frame = bytes(Ether(**MACS) / packet)
    assert SAID in frame
    after, redactor = redacted(batch_of([frame]))
    assert SAID not in after.data
    assert redactor.summary.blanked["options"] == 1
    assert len(after.data) == len(frame)
    assert report_of([after]) == report_of([batch_of([frame])])


def test_in_a_datagram_in_fragments_they_are_blank_where_they_lie() -> None:
    whole = bytes(IP(**ENDS, id=9, proto=6) / bytes(tcp((254, SAID))) / REQUEST)
    frames = [bytes(Ether(**MACS) / part) for part in fragment(IP(whole), fragsize=24)]
    for order in (frames, frames[::-1]):
        after, _ = redacted(batch_of(order))
        assert SAID not in after.data
        assert b"LABONLY" not in after.data
        assert report_of([after]) == report_of([batch_of(order)])


def test_data_in_a_syn_is_masked_as_the_stream_that_it_begins() -> None:
    asked = b"GET /?key=LABONLY-of-no-known-shape HTTP/1.1\r\n\r\n"
    frame = bytes(Ether(**MACS) / IP(**ENDS) / tcp((34, b"LABONLY!"), flags="S") / asked)
    after, _ = redacted(batch_of([frame]))
    assert b"LABONLY" not in after.data
    assert b"GET /?key=" in after.data
    assert report_of([after]) == report_of([batch_of([frame])])


def test_the_decoder_tells_each_header_that_it_peels() -> None:
    frame = bytes(Ether(**MACS) / IP(**ENDS) / tcp() / REQUEST)
    decoder = SlowDecoder()
    decoder.trail = []
    decoder.decode(1, frame, 0, len(frame), len(frame), 0)
    assert [(key, start) for key, start, _ in decoder.trail][1:] == [(IPV4, 14), (TCP_KEY, 34)]


INNER = bytes(IP(**ENDS) / tcp() / REQUEST)
SECRET = b"LABONLY-of-no-known-shape-LABONLY"


@pytest.mark.parametrize(
    ("link", "head"),
    [
        (239, b"\x02\0\0\x64" + pack("<HH", 4 + 33, 10) + SECRET + bytes(3) + pack("<HH", 0, 9)),
        (117, bytes((61, 2, 0, 0)) + SECRET + bytes(27)),
        (258, pack("<III", 108, 1, 101) + SECRET + bytes(63)),
        (1, MACS_ETHERTYPE + b"\x89\x4f" + pack(">HBBI", 0x0FCB, 2, 1, 0) + SECRET + bytes(3)),
    ],
    ids=["netfilter's log", "OpenBSD's log", "Darwin's tap", "service header"],
)
def test_what_else_headers_carry_is_blank_and_the_report_is_the_same(
    link: int, head: bytes
) -> None:
    before = batch_of([head + INNER], link)
    assert report_of([before])["exchanges"], "it is read"
    after, _ = redacted(before)
    assert b"LABONLY" not in after.data
    assert report_of([after]) == report_of([before])


def test_of_an_authentication_header_the_check_value_is_blank() -> None:
    check = b"LABONLY-of-no-known-shape-LABO-2"
    inner = INNER[20:]
    ah = b"\x06" + bytes(((12 + len(check)) // 4 - 2,)) + bytes(10) + check
    before = batch_of([bytes(Ether(**MACS) / IP(**ENDS, proto=51) / Raw(ah + inner))])
    assert report_of([before])["exchanges"]
    after, _ = redacted(before)
    assert b"LABONLY" not in after.data
    assert report_of([after]) == report_of([before])


def test_of_a_header_of_no_version_of_ip_nothing_but_that_stays() -> None:
    frame = MACS_ETHERTYPE + b"\x08\0\x75\0\0\x50" + SECRET + SECRET
    after, _ = redacted(batch_of([frame]))
    assert after.data[:18] == frame[:18]
    assert after.data[18:].strip(b"x") == b""
