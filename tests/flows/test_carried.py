"""Packets inside headers that nobody reads: not guessed at, but not passed over either."""

from __future__ import annotations

import random
from struct import pack

import pytest

from inspector.flows.carried import FARTHEST, inner_headers
from inspector.inspection import Inspector
from inspector.model.report import Report
from inspector.options import Options
from tests.exchanges.network import Network, request, response, say
from tests.flows.build import CLIENT6, SERVER6, Packet, Tcp, Wire, batch
from tests.redaction.test_marks import same


def bare(packets: list[Packet]) -> list[bytes]:
    """The IP packets in Ethernet frames."""
    return [packet.frame[14:] for packet in packets]


def call() -> list[Packet]:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()
    return net.wire.packets


def within(head: bytes, packets: list[Packet], *, up_alone: bool = False) -> list[Packet]:
    """The packets behind `head` in place of their Ethernet header, all or the client's alone."""
    return [
        packet
        if up_alone and not packet.up
        else packet._replace(
            frame=head + packet.frame[14:], wire=len(head) + len(packet.frame) - 14
        )
        for packet in packets
    ]


def told(packets: list[Packet]) -> Report:
    inspector = Inspector(Options(fingerprint_key=b"lab"))
    inspector.feed(batch(packets))
    return inspector.finish()


UNKNOWN = bytes(12) + b"\x12\x34"
#: VXLAN to a port of somebody's choice: IP, UDP, VXLAN, Ethernet.
ELSEWHERE = (
    bytes(12) + b"\x08\0"
    + pack(">BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 17, 0, b"\x0a\1\1\1", b"\x0a\1\1\2")
    + pack(">HHHH", 5555, 4799, 0, 0) + b"\x08\0\0\0\0\0\1\0" + bytes(12) + b"\x08\0"
)  # fmt: skip


@pytest.mark.parametrize("head", [UNKNOWN, UNKNOWN + b"\1\2\3\4\5\6\7", ELSEWHERE])
@pytest.mark.parametrize("last", [True, False])
def test_a_conversation_inside_unknown_headers_leaves_the_capture_incomplete(
    head: bytes, *, last: bool
) -> None:
    packets = within(head, call())
    report = told([*call(), *packets] if last else [*packets, *call()])
    count = len(packets)
    assert report.completeness.verdict == "incomplete"
    assert report.completeness.because == (
        f"{count} packets carry TCP inside headers that are not read",
    )
    entries = [(item.connection, item.reason) for item in report.completeness.unread]
    assert entries == [(None, "protocol")]
    odd = {item.name: item.count for item in report.oddities}
    assert not last or odd["unread-encapsulation"] == count
    assert {item.verdict for item in report.hypotheses} == {"not observable"}


@pytest.mark.parametrize("head", [UNKNOWN, ELSEWHERE])
def test_the_copy_says_so_too_and_nothing_else_of_them(head: bytes) -> None:
    wire = Wire(packets=within(head, call()))
    copied = b"".join(part.data for part in same(wire))
    assert b"POST /v1" not in copied
    assert b"lab.test" not in copied


def test_both_versions_of_ip_are_found_wherever_they_begin_and_whole_or_cut() -> None:
    four = Tcp(Wire())
    six = Tcp(Wire(), client=(CLIENT6, 40000), server=(SERVER6, 10001))
    for tcp, size in ((four, 40), (six, 60)):
        tcp.open().up(b"abc")
        for packet in bare(tcp.wire.packets):
            for place in (0, 1, 7, FARTHEST):
                data = b"\xee" * place + packet
                end = len(data)
                assert inner_headers(data, 0, end, end) == (place, place + size)
                cut = place + size
                assert inner_headers(data[:cut], 0, cut, end) == (place, place + size)
                assert inner_headers(data + bytes(20), 0, end + 20, end + 20) is not None
                assert inner_headers(data, 0, end, end + 2000) is None, "it is not of that length"


def test_what_only_resembles_it_is_none() -> None:
    drawn = random.Random(7)
    for _ in range(20_000):
        data = drawn.randbytes(120)
        assert inner_headers(data, 0, 120, 120) is None
    packet = bare(Tcp(Wire()).open().wire.packets)[0]
    for at, value in ((9, 17), (6, 0x20), (7, 1), (32, 0x40), (33, 0x03)):
        spoilt = packet[:at] + bytes((value,)) + packet[at + 1 :]
        assert inner_headers(spoilt, 0, len(spoilt), len(spoilt)) is None
