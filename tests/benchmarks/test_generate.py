"""The workloads are what they say: sound packets, the same each time, with a true count."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import RawPcapReader

from benchmarks.generate import Mixed, SmallPackets, Truth, Tunnels, write
from benchmarks.run import DECODE_AS
from inspector.capture_files import inspect_captures
from inspector.inspection import Options

WORKLOADS: dict[str, Callable[[], Mixed | SmallPackets]] = {
    "mixed": Mixed,
    "tunnels": Tunnels,
    "sse": lambda: SmallPackets(events=200),
    "sse-no-acks": lambda: SmallPackets(acks=0, events=200),
}


@pytest.fixture(scope="module", params=WORKLOADS)
def workload(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of one or a few windows; its truth lies beside it."""
    path = tmp_path_factory.mktemp("workload") / f"{request.param}.pcap"
    write(WORKLOADS[request.param](), path, megabytes=1)
    return path


def packets_of(path: Path) -> list[tuple[bytes, tuple[int, int]]]:
    """Each frame with its time in seconds and microseconds, as scapy reads them."""
    with RawPcapReader(str(path)) as reader:
        return [(frame, (meta.sec, meta.usec)) for frame, meta in reader]


def truth_of(path: Path) -> Truth:
    return Truth(**json.loads(path.with_suffix(".json").read_text()))


def test_the_same_arguments_give_the_same_bytes(workload: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pcap"

    write(WORKLOADS[workload.stem](), again, megabytes=1)

    assert again.read_bytes() == workload.read_bytes()


def test_the_truth_counts_packets_and_bytes(workload: Path) -> None:
    truth = truth_of(workload)

    assert truth.bytes == workload.stat().st_size
    assert truth.packets == len(packets_of(workload))


def test_headers_are_sound_and_time_goes_forward(workload: Path) -> None:
    before = (0, 0)
    for number, (frame, now) in enumerate(packets_of(workload)):
        assert now >= before
        before = now
        if number < 600 and frame[12:14] == b"\x08\x00":
            packet = Ether(frame)[IP]
            assert packet.len == len(frame) - 14
            claimed = packet.chksum
            del packet.chksum
            assert IP(bytes(packet)).chksum == claimed
            if TCP in packet:
                assert packet[TCP].dataofs in (8, 10)


def test_acks_come_about_one_for_two_segments_or_not_at_all(workload: Path) -> None:
    kinds = Counter(
        "data" if len(frame) > 66 else "ack"
        for frame, _ in packets_of(workload)
        if frame[23] == 6 and frame[47] & 0x07 == 0  # no SYN, FIN or RST
    )

    expected = {
        "mixed": (0.4, 1.0),
        "tunnels": (0.4, 1.0),
        "sse": (0.45, 0.55),
        "sse-no-acks": (0.0, 0.01),
    }
    least, most = expected[workload.stem]
    assert least <= kinds["ack"] / kinds["data"] <= most


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_finds_the_requests_that_the_truth_counts(workload: Path) -> None:
    select = ["-Y", "http.request", "-T", "fields", "-e", "http.request.method"]
    run = subprocess.run(
        ["tshark", "-n", "-r", str(workload), *DECODE_AS, *select],
        capture_output=True,
        text=True,
        check=True,
    )

    truth, methods = truth_of(workload), run.stdout.split()
    assert methods.count("CONNECT") == truth.connects
    assert len(methods) == truth.connects + truth.requests


def test_inspector_finds_the_requests_statuses_events_and_tunnels_of_the_truth(
    workload: Path,
) -> None:
    truth = truth_of(workload)

    report = inspect_captures([workload], Options(fingerprint_key=b"made up for tests"))

    statuses = Counter(
        str(exchange.response.status) for exchange in report.exchanges if exchange.response
    )
    events = sum(
        exchange.response.stream.events
        for exchange in report.exchanges
        if exchange.response and exchange.response.stream
    )
    assert len(report.exchanges) == truth.requests
    assert statuses == truth.statuses
    assert events == truth.events
    assert len(report.tunnels) == truth.connects
    assert all(tunnel.tls and tunnel.tls.handshake == "complete" for tunnel in report.tunnels)
