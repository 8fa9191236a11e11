"""The socket filter, with the kernel itself deciding about recorded and made-up frames."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt
from scapy.layers.l2 import ARP, Dot1Q, Ether

from inspector.capture_files import inspect
from inspector.inspection import Options
from inspector.linux.ebpf.filter import EbpfFilter
from inspector.linux.ring import Ring
from inspector.model.network import Endpoint
from inspector.model.report import Report
from inspector.pcap.reader import open_captures
from inspector.pcap.writer import PcapngWriter
from inspector.wire import COUNTED_CUTS
from lab.network import NAMED, Network
from tests.linux.wire import bulk

CAPTURES = Path(__file__).parents[3] / "captures"
GOLDEN = sorted(path.parent for path in CAPTURES.glob("*/capture.pcapng"))
SUBNET = "172.30.0.0/24"


class Kernel:
    """Asks the kernel, frame by frame: a datagram socket's filter cuts what it receives."""

    def __init__(self, filter: EbpfFilter) -> None:
        self._out, self._in = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._in.setblocking(False)
        filter.attach(self._in)

    def kept(self, frame: bytes) -> bytes | None:
        """What is left of a frame; None if it was dropped."""
        self._out.send(frame)
        try:
            return self._in.recv(1 << 17)
        except BlockingIOError:
            return None

    def close(self) -> None:
        self._out.close()
        self._in.close()


@dataclass
class Judge:
    filter: EbpfFilter
    kernel: Kernel


@contextmanager
def judging(
    *networks: str,
    ports: Iterable[int] = (),
    snap: int = 4096,
    full: bool = False,
    flows: int | None = None,
) -> Iterator[Judge]:
    filter = EbpfFilter.load(
        [ip_network(network) for network in networks],
        [3128],
        snap,
        full,
        ports=tuple(ports),
        flows=flows,
    )
    kernel = Kernel(filter)
    try:
        yield Judge(filter, kernel)
    finally:
        kernel.close()
        filter.close()


def frames(path: Path) -> Iterator[tuple[int, bytes, int, int]]:
    """Time, bytes, length on the wire and link type of every packet."""
    for batch in open_captures([path])[0]:
        for at, start, captured, wire in batch.records:
            yield at, batch.data[start : start + captured], wire, batch.link_type


def cut(path: Path, judge: Judge, to: Path) -> tuple[int, int]:
    """A recording as this filter would have left it; bytes before and after."""
    before = after = 0
    with to.open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface(filter=judge.filter.text)
        for at, data, wire, _ in frames(path):
            kept = judge.kernel.kept(data)
            before += len(data)
            if kept is not None:
                after += len(kept)
                writer.packet(at, kept, wire)
    return before, after


def report(path: Path) -> Report:
    return inspect(path, options=Options(fingerprint_key=bytes(32)))


@pytest.mark.parametrize("snap", [0, 4096])
@pytest.mark.parametrize("case", GOLDEN, ids=[path.name for path in GOLDEN])
def test_the_report_of_a_cut_recording_is_that_of_the_whole_one(
    bpf_possible: None, case: Path, snap: int, tmp_path: Path
) -> None:
    original = case / "capture.pcapng"
    if {link for *_, link in frames(original)} != {1}:
        pytest.skip("recorded on no Ethernet: the filter is not used there")
    with judging(snap=snap) as judge:
        cut(original, judge, tmp_path / "cut.pcapng")
        assert judge.filter.statistics().untracked == 0

    whole, found = report(original), report(tmp_path / "cut.pcapng")

    assert list(found.tunnels) == list(whole.tunnels)
    assert found.direct_tls == whole.direct_tls
    assert list(found.exchanges) == list(whole.exchanges)
    assert list(found.connections) == list(whole.connections)
    assert found.oddities == whole.oddities
    assert found.completeness.gaps == whole.completeness.gaps
    assert found.completeness.truncated_packets == whole.completeness.truncated_packets


def test_a_tunnel_is_cut_to_headers_and_a_plain_hop_not_at_all(
    bpf_possible: None, tmp_path: Path
) -> None:
    original = CAPTURES / "issue-1527" / "capture.pcapng"
    with judging(SUBNET, snap=0) as judge:
        cut(original, judge, tmp_path / "cut.pcapng")
        flows = judge.filter.flows()

    tunnels = [flow for flow in flows if flow.server.sender.port == 3128]
    plain = [flow for flow in flows if flow.server.sender.port == 10001]
    assert sum(flow.client.cut + flow.server.cut for flow in tunnels) > 0
    assert plain
    assert all(flow.client.cut == flow.server.cut == 0 for flow in plain)
    assert all(flow.client.bytes == flow.client.kept_bytes for flow in plain)


def test_full_keeps_every_byte(bpf_possible: None) -> None:
    original = CAPTURES / "issue-1527" / "capture.pcapng"
    with judging(full=True, snap=0) as judge:
        for _, data, _, _ in frames(original):
            assert judge.kernel.kept(data) == data
        assert judge.filter.statistics().cut == 0
        assert not judge.filter.text.endswith(COUNTED_CUTS)


def test_totals_and_flows_are_exact_and_the_dropped_are_counted(bpf_possible: None) -> None:
    original = CAPTURES / "keep-alive-50" / "capture.pcapng"
    packets = [data for _, data, _, _ in frames(original)]
    with judging(SUBNET, snap=0) as judge:
        kept = [judge.kernel.kept(data) for data in packets]
        stranger = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1, dport=2))
        assert judge.kernel.kept(stranger) is None
        totals = judge.filter.statistics()
        flows = judge.filter.flows()

    left = [data for data in kept if data is not None]
    assert (totals.seen, totals.seen_bytes) == (
        len(packets) + 1,
        sum(map(len, packets)) + len(stranger),
    )
    assert (totals.kept, totals.kept_bytes) == (len(left), sum(map(len, left)))
    assert totals.dropped == totals.seen - totals.kept
    connections = report(original).connections
    directions = {
        (flow.client.sender, flow.server.sender): (flow.client.payload, flow.server.payload)
        for flow in flows
    }
    assert directions == {(c.client, c.server): (c.bytes_up, c.bytes_down) for c in connections}


_FROM, _TO = "172.30.0.20", "172.30.0.30"
_FROM6, _TO6 = "fd00:172:30::20", "fd00:172:30::30"
_SEGMENT = TCP(sport=40000, dport=10001, flags="S")
_ENDS = (Endpoint(_FROM, 40000), Endpoint(_TO, 10001))
_ENDS6 = (Endpoint(_FROM6, 40000), Endpoint(_TO6, 10001))


@pytest.mark.parametrize(
    ("frame", "ends", "vlan"),
    [
        (Ether() / IP(src=_FROM, dst=_TO) / _SEGMENT, _ENDS, 0),
        (Ether() / IPv6(src=_FROM6, dst=_TO6) / _SEGMENT, _ENDS6, 0),
        (Ether() / IPv6(src=_FROM6, dst=_TO6) / IPv6ExtHdrDestOpt() / _SEGMENT, _ENDS6, 0),
        (Ether() / Dot1Q(vlan=7) / IP(src=_FROM, dst=_TO) / _SEGMENT, _ENDS, 7),
        (
            Ether(type=0x88A8)
            / Dot1Q(vlan=5)
            / Dot1Q(vlan=7)
            / IPv6(src=_FROM6, dst=_TO6)
            / _SEGMENT,
            _ENDS6,
            5 << 12 | 7,
        ),
    ],
    ids=["ipv4", "ipv6", "ipv6-extension", "vlan", "qinq"],
)
def test_a_segment_is_recognised_in(
    bpf_possible: None, frame: Ether, ends: tuple[Endpoint, Endpoint], vlan: int
) -> None:
    with judging(SUBNET, "fd00:172:30::/64") as judge:
        assert judge.kernel.kept(bytes(frame)) == bytes(frame)
        (flow,) = judge.filter.flows()
        assert (flow.client.sender, flow.server.sender) == ends
        assert flow.vlan == vlan
    with judging("10.0.0.0/8", "fd01::/16") as judge:
        assert judge.kernel.kept(bytes(frame)) is None


def test_ports_are_asked_of_tcp_only_and_what_is_no_ip_stays(bpf_possible: None) -> None:
    others = [
        Ether() / ARP(),
        Ether() / IP(src=_FROM, dst=_TO) / UDP(dport=53),
    ]
    with judging(SUBNET, ports=[10001]) as judge:
        for frame in map(bytes, others):
            assert judge.kernel.kept(frame) == frame
        asked = bytes(Ether() / IP(src=_FROM, dst=_TO) / _SEGMENT)
        assert judge.kernel.kept(asked) == asked
        other = bytes(Ether() / IP(src=_FROM, dst=_TO) / TCP(sport=40000, dport=22))
        assert judge.kernel.kept(other) is None


def test_flows_without_a_place_stay_whole_and_are_counted(bpf_possible: None) -> None:
    with judging(flows=1) as judge:
        for port in range(40000, 40010):
            frame = bytes(Ether() / IP(src=_FROM, dst=_TO) / TCP(sport=port, dport=3128))
            assert judge.kernel.kept(frame) == frame
        totals = judge.filter.statistics()

    assert totals.untracked == 9
    assert totals.seen == totals.kept == 10


def test_plain_http_in_a_connect_stays_whole_even_when_it_imitates_a_hello(
    bpf_possible: None,
) -> None:
    """Evidence could be hidden otherwise: an agent writes what it likes."""
    hello = b"\x16\x03\x01\x00\x06\x01" + bytes(5)
    data = b"\x17\x03\x03\x00\x40" + bytes(64)
    up, down = 1000, 5000
    said: list[tuple[bool, bytes]] = [
        (True, b"CONNECT 172.30.0.30:10001 HTTP/1.1\r\n\r\n"),
        (False, b"HTTP/1.1 200 Connection established\r\n\r\n"),
        (True, hello),
        (True, data),
        (False, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        *[(True, data), (False, data)] * 20,
    ]
    with judging(SUBNET, snap=0) as judge:
        syn = Ether() / IP(src=_FROM, dst=_TO) / TCP(sport=40000, dport=3128, flags="S", seq=up - 1)
        judge.kernel.kept(bytes(syn))
        for is_up, payload in said:
            ends = (_FROM, _TO, 40000, 3128) if is_up else (_TO, _FROM, 3128, 40000)
            segment = TCP(sport=ends[2], dport=ends[3], flags="PA", seq=up if is_up else down)
            frame = bytes(Ether() / IP(src=ends[0], dst=ends[1]) / segment / payload)
            assert judge.kernel.kept(frame) == frame
            if is_up:
                up += len(payload)
            else:
                down += len(payload)


def tunnel_frames() -> tuple[list[tuple[int, bytes, int]], Report]:
    path = CAPTURES / "h2-in-tunnel" / "capture.pcapng"
    return [(at, data, wire) for at, data, wire, _ in frames(path)], report(path)


def test_a_walk_that_lost_its_way_says_so_and_bytes_stay_true(
    bpf_possible: None, tmp_path: Path
) -> None:
    """One frame of a tunnel, behind the handshake, never reaches the filter."""
    packets, whole = tunnel_frames()
    with judging(SUBNET, snap=0) as judge, (tmp_path / "cut.pcapng").open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface(filter=judge.filter.text)
        missed = False
        for at, data, wire in packets:
            kept = judge.kernel.kept(data)
            if kept is None:
                continue
            if not missed and len(kept) < len(data):
                missed = True  # cut, and then dropped by a ring that was full
                continue
            writer.packet(at, kept, wire)
    found = report(tmp_path / "cut.pcapng")

    assert missed
    assert "tls-records-lost" in {oddity.name for oddity in found.oddities}
    assert found.completeness.verdict == "incomplete"
    assert found.completeness.truncated_packets == 0
    assert [(t.bytes_up, t.bytes_down) for t in found.tunnels] == [
        (t.bytes_up, t.bytes_down) for t in whole.tunnels
    ]


def test_without_the_filters_text_a_short_packet_is_a_truncated_one(
    bpf_possible: None, tmp_path: Path
) -> None:
    packets, _ = tunnel_frames()
    with judging(SUBNET, snap=0) as judge, (tmp_path / "cut.pcapng").open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface()
        for at, data, wire in packets:
            kept = judge.kernel.kept(data)
            if kept is not None:
                writer.packet(at, kept, wire)
        shortened = judge.filter.statistics().cut
    found = report(tmp_path / "cut.pcapng")

    assert shortened
    assert found.completeness.truncated_packets == shortened
    assert found.completeness.verdict == "incomplete"


def test_a_plain_hop_that_claims_to_be_cut_is_truncated_all_the_same(tmp_path: Path) -> None:
    """A file may say what it likes: only TLS is taken at its word."""
    with (tmp_path / "lie.pcapng").open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface(filter=f"net {SUBNET}{COUNTED_CUTS}")
        for at, data, wire, _ in frames(CAPTURES / "keep-alive-50" / "capture.pcapng"):
            writer.packet(at, data[:80], wire)
    found = report(tmp_path / "lie.pcapng")

    assert found.completeness.truncated_packets > 0
    assert found.completeness.verdict == "incomplete"


def test_what_the_filter_kept_is_what_the_ring_received(
    bpf_possible: None, network: Network
) -> None:
    filter = EbpfFilter.load([ip_network(SUBNET)], [3128])
    try:
        with Ring.open("fw-bridge", netns=NAMED / network.bridge.namespace, filter=filter) as ring:
            bulk(network.agent, network.api_proxy, 5_000_000)
            received = sum(len(batch.records) for batch in (*ring.read(), *ring.drain()))
            counted = ring.statistics()
        totals = filter.statistics()
        payload = sum(flow.client.payload + flow.server.payload for flow in filter.flows())
    finally:
        filter.close()

    assert received + counted.dropped == counted.received == totals.kept
    assert totals.seen == totals.kept + totals.dropped
    assert payload == 5_000_000
