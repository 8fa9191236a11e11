"""Credentials are masked in whatever a captured frame is wrapped, and in fragments."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from inspector.redaction import Redactor
from inspector.wire import Batch
from tests.flows.frames import FRAMES, MACS, PAYLOAD, Frame
from tests.redaction.test_canary import report_of


def batch_of(frames: list[bytes], link_type: int = 1) -> Batch:
    records = []
    at = 0
    for index, frame in enumerate(frames):
        records.append((10**18 + index * 10**6, at, len(frame), len(frame)))
        at += len(frame)
    return Batch(b"".join(frames), records, link_type, 1)


def redacted(batch: Batch, *, keep_bodies: bool = False) -> tuple[Batch, Redactor]:
    redactor = Redactor(keep_bodies=keep_bodies)
    parts = [*redactor.feed(batch), *redactor.finish()]
    frames = [p.data[s : s + n] for p in parts for _, s, n, _ in p.records]
    return batch_of(frames, batch.link_type), redactor


#: Wrappings whose headers hold what nobody reads, and that is no number (`header_fields`).
NOT_NUMBERS_ALONE = {
    "ipv6-segments", "ipv6-waypoints", "juniper-ethernet", "l2tp-all-fields",
    "only-scapy-knows", "per-packet", "teredo-indications",
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
def test_a_target_is_masked_in_every_wrapping(name: str) -> None:
    frame: Frame = FRAMES[name]
    # As long as the request that the frames carry.
    request = b"GET /?key=LABo HTTP/1.1\r\n\r\n"
    assert len(request) == len(PAYLOAD)
    assert frame.data.count(PAYLOAD) == 1
    before = batch_of([frame.data.replace(PAYLOAD, request)], frame.link_type)
    after, _ = redacted(before)
    assert b"LABo" in before.data
    assert b"LABo" not in after.data
    assert len(after.data) == len(before.data)
    at = before.data.index(request)
    assert (after.data[:at] == before.data[:at]) is (name not in NOT_NUMBERS_ALONE)
    assert after.data[at:].startswith(b"GET /?key=") or set(after.data[at : at + 27]) == {0x78}


def ip_fragments(payload: bytes, size: int) -> list[bytes]:
    whole = (
        IP(src="172.30.0.20", dst="172.30.0.30", id=9, proto=6)
        / TCP(sport=40000, dport=10001, seq=7, ack=9, flags="PA")
        / payload
    )
    return [bytes(Ether(**MACS) / part) for part in fragment(IP(bytes(whole)), fragsize=size)]


@pytest.mark.parametrize("order", ["as sent", "backwards", "twice"])
def test_a_key_across_ip_fragments_is_masked_where_it_stands(order: str) -> None:
    request = b"GET / HTTP/1.1\r\nX-Api-Key: LABONLY-first-LABONLY-second-LABONLY-third\r\n\r\n"
    frames = ip_fragments(request, 32)
    assert len(frames) == 3
    frames = {"as sent": frames, "backwards": frames[::-1], "twice": frames + frames}[order]
    before = batch_of(frames)
    after, redactor = redacted(before)
    assert b"LABONLY" not in after.data
    assert redactor.summary.positions == {"x-api-key": 1}
    assert report_of([after]) == report_of([before])


def test_fragments_of_what_never_becomes_whole_are_blanked() -> None:
    request = b"GET / HTTP/1.1\r\nX-Api-Key: LABONLY-first-LABONLY-second\r\n\r\n"
    after, redactor = redacted(batch_of(ip_fragments(request, 32)[:2]))
    assert b"LABONLY" not in after.data
    assert redactor.summary.blanked["undecided"] == 2


@pytest.mark.parametrize(("kind", "code"), [(3, 1), (3, 4), (11, 0)])
def test_a_segment_quoted_in_an_icmp_error_is_blanked_behind_its_header(
    kind: int, code: int
) -> None:
    quoted = (
        IP(src="172.30.0.20", dst="172.30.0.30")
        / TCP(sport=40000, dport=10001)
        / (b"X-Api-Key: LABONLY-quoted")
    )
    frame = bytes(
        Ether(**MACS)
        / IP(src="172.30.0.1", dst="172.30.0.20")
        / ICMP(type=kind, code=code)
        / quoted
    )
    after, redactor = redacted(batch_of([frame]))
    assert b"LABONLY" not in after.data
    assert after.data.startswith(frame[: -len(b"X-Api-Key: LABONLY-quoted")])
    assert redactor.summary.blanked["quoted"] == 1


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (IP(src="172.30.0.20", dst="172.30.0.1") / ICMP(type=8), 14 + 20 + 8),
        (IP(src="172.30.0.1", dst="172.30.0.20") / ICMP(type=0), 14 + 20 + 8),
        (IP(src="172.30.0.1", dst="172.30.0.20") / ICMP(type=13), 14 + 20 + 8),
        (IPv6(src="fd00::20", dst="fd00::1") / ICMPv6EchoRequest(), 14 + 40 + 8),
        (IPv6(src="fd00::1", dst="fd00::20") / ICMPv6EchoReply(), 14 + 40 + 8),
    ],
    ids=["echo", "reply", "timestamp", "echo of IPv6", "reply of IPv6"],
)
def test_what_an_icmp_message_carries_is_blanked(head: Packet, kept: int) -> None:
    frame = bytes(Ether(**MACS) / head / b"LABONLY-of-no-known-shape")
    for keep_bodies in (False, True):
        after, redactor = redacted(batch_of([frame]), keep_bodies=keep_bodies)
        assert after.data[:kept] == frame[:kept]
        assert b"LABONLY" not in after.data
        assert after.data[kept:].strip(b"x") == b""
        assert redactor.summary.blanked == {"quoted": 1}


@pytest.mark.parametrize("code", [3, 4])
@pytest.mark.parametrize(
    ("quoted", "kept"),
    [
        (UDP(sport=5353, dport=53) / b"LABONLY-1234", 8),
        (ICMP(type=8) / b"LABONLY-1234", 8),
        (Raw(b"LABONLY-1234-LABONLY-1234"), 0),
    ],
    ids=["UDP", "ICMP", "another protocol"],
)
def test_of_what_an_icmp_error_quotes_stay_headers_alone(
    quoted: Packet, kept: int, code: int
) -> None:
    """Of what could not be reached nothing is looked at but segments of TCP."""
    frame = bytes(
        Ether(**MACS)
        / IP(src="172.30.0.1", dst="172.30.0.20")
        / ICMP(type=3, code=code)
        / IP(src="172.30.0.20", dst="172.30.0.1", **({} if kept else {"proto": 99}))
        / quoted
    )
    after, _ = redacted(batch_of([frame]))
    stays = 14 + 20 + 8 + (20 + kept if code == 4 else 0)
    assert after.data[:stays] == frame[:stays]
    assert after.data[stays:].strip(b"x") == b""


def test_padding_behind_a_packet_is_blanked() -> None:
    frame = bytes(Ether(**MACS) / IP(src="172.30.0.20", dst="172.30.0.30") / TCP(flags="S"))
    after, _ = redacted(batch_of([frame + b"LABONLY-left-in-memory"]))
    assert b"LABONLY" not in after.data
    assert after.data.startswith(frame)


def test_a_datagram_that_nobody_reads_is_blanked_behind_its_headers() -> None:
    frame = bytes(
        Ether(**MACS)
        / IP(src="172.30.0.20", dst="172.30.0.1")
        / UDP(sport=5353, dport=53)
        / b"\0\1\1\0\0\1\0\0\0\0\0\0\x03api\x03lab\x04test\0\0\1\0\1"
    )
    after, redactor = redacted(batch_of([frame]))
    assert after.data == frame[:42] + b"x" * len(frame[42:])
    assert redactor.summary.blanked == {"unreadable": 1}
    assert redacted(batch_of([frame]), keep_bodies=True)[0].data == after.data, "it is no body"


def test_of_a_datagram_in_fragments_the_header_alone_stays() -> None:
    datagram = IP(src="172.30.0.20", dst="172.30.0.1", id=9) / UDP(sport=5140, dport=514)
    parts = fragment(IP(bytes(datagram / b"X-Vault-Token: LABONLY-of-no-known-shape")), fragsize=24)
    frames = [bytes(Ether(**MACS) / part) for part in parts]
    after, _ = redacted(batch_of(frames))
    assert len(frames) == 2
    assert after.data == frames[0][:42] + b"x" * 16 + frames[1][:34] + b"x" * len(frames[1][34:])


@pytest.mark.parametrize("ethertype", [0x0806, 0x88B5, 0x88CC])
def test_what_is_no_packet_of_ip_is_blanked_and_the_report_says_the_same(ethertype: int) -> None:
    frame = bytes(12) + ethertype.to_bytes(2, "big") + bytes(28) + b"LABONLY-of-no-known-shape"
    after, _ = redacted(batch_of([frame]))
    assert b"LABONLY" not in after.data
    assert report_of([after]) == report_of([batch_of([frame])])


def test_an_unknown_link_is_blanked() -> None:
    after, _ = redacted(batch_of([b"\1\2\3 X-Api-Key: LABONLY"], 147))
    assert b"LABONLY" not in after.data
