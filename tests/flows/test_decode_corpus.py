"""Public captures, frame by frame: nothing raises, and tshark counts the same segments."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.config import conf
from scapy.error import Scapy_Exception
from scapy.utils import RawPcapReader

from inspector.flows.decode import REASONS, SlowDecoder, TcpPacket

#: Captures in which TCP is not simply inside Ethernet and IPv4, by part of their name.
ENCAPSULATED = [
    "gtpu_c", "c35_any_sll2.pcap", "c35_any_sll2.dsb", "c36_any_sll", "http_req_frag",
    "ipfragutil_bpf_filter", "ipfragutil_ip_ids", "frag_http_req", "one_ipv6_http_stream",
    "pcapng-example", "bug8", "arcnet-rfc1051", "arcnet-rfc1201", "ipv4_tcp_http_xml_tso",
    "vxlan-overlapping", "http-vlan-0", "variant-03-cl_negative", "basic-auth-with-colon",
    "ayiya3", "vxlan-encapsulated-http", "vlan-collisions", "vlan-qinqinq", "param_ipv6",
    "tcp-http-with-padding",
]  # fmt: skip


def records(path: Path) -> Iterator[tuple[int, bytes, int, int]]:
    """(link type, bytes, length on the wire, time in ns) as scapy reads them."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    with RawPcapReader(io.BytesIO(content)) as reader:
        for data, about in reader:
            link_type = getattr(about, "linktype", None)
            if hasattr(about, "sec"):
                at = about.sec * 1_000_000_000
            else:
                ticks = (about.tshigh or 0) << 32 | (about.tslow or 0)
                at = ticks * 1_000_000_000 // (about.tsresol or 1_000_000)
            link_type = reader.linktype if link_type is None else link_type
            yield link_type, data, about.wirelen or len(data), at


def named(folder: Path, part: str) -> Path:
    found = [
        path
        for path in (folder / "well-formed").iterdir()
        if part in path.name and path.suffix != ".keylog"
    ]
    assert len(found) == 1, (part, found)
    return found[0]


def segments(path: Path) -> list[TcpPacket]:
    decoder = SlowDecoder()
    outcomes = [
        decoder.decode(link_type, data, 0, len(data), wire, at)
        for link_type, data, wire, at in records(path)
    ]
    return [outcome for outcome in outcomes if isinstance(outcome, TcpPacket)]


@pytest.mark.parametrize("kind", ["well-formed", "hostile"])
def test_no_frame_of_the_public_captures_raises(
    public_captures: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "logLevel", 50)  # the reader complains about the hostile ones
    frames = found = 0
    for path in sorted((public_captures / kind).iterdir()):
        decoder = SlowDecoder()
        reader = records(path)
        while True:
            try:
                link_type, data, wire, at = next(reader)
            except StopIteration:
                break
            except (Scapy_Exception, OSError, EOFError, ValueError, TypeError):
                break  # no capture file, or cut: the pcap room's business
            outcome = decoder.decode(link_type, data, 0, len(data), wire, at)
            frames += 1
            found += isinstance(outcome, TcpPacket)
            assert not isinstance(outcome, str) or outcome in REASONS
        decoder.close()
    assert frames > 500
    assert found > 100


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("part", ENCAPSULATED)
def test_the_payload_lengths_are_those_that_tshark_sees(public_captures: Path, part: str) -> None:
    path = named(public_captures, part)
    options = "-o ip.defragment:TRUE -Y tcp -T fields -E occurrence=l -e tcp.len"
    answer = subprocess.run(
        ["tshark", "-n", "-r", path, *options.split()], capture_output=True, text=True, check=True
    )
    theirs = [int(line) for line in answer.stdout.split()]
    ours = [packet.end - packet.start + packet.missing for packet in segments(path)]
    assert ours == theirs
    assert any(ours)


@pytest.mark.parametrize("part", ["vlan-collisions", "vxlan-overlapping"])
def test_equal_addresses_of_two_networks_are_two_flows(public_captures: Path, part: str) -> None:
    packets = segments(named(public_captures, part))
    flows = {min(packet.key, packet.reverse) for packet in packets}
    plain = {min(packet.key[-12:], packet.reverse[-12:]) for packet in packets}
    assert len(flows) > len(plain) == 1
