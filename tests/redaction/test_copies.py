"""Where in a copy's file texts stand, and which packets of its source are those of a batch."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import pytest

from inspector.native.library import Loaded
from inspector.pcap import walked
from inspector.pcap.writer import PcapngWriter
from inspector.redaction import copies
from inspector.redaction.copies import SourcePackets, texts
from tests.flows.build import native_core
from tests.redaction.test_comparison import batch_of


def each_walk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for core in (native_core(), None):
        monkeypatch.setattr(walked, "loaded", lambda core=core: Loaded(core))
        yield


@pytest.mark.parametrize("read", [40, 200, 1 << 20])
def test_texts_are_found_among_packets_of_any_interface(
    read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_READ", read)
    chance = random.Random(read)
    out = io.BytesIO()
    writer = PcapngWriter(out, comments=["of the section"])
    said = ["of the section"]
    for name in ("eth0", "wlan0"):
        writer.interface(name=name, filter=f"on {name}")
        said += [name, f"on {name}"]
    interface = 0
    for number in range(300):
        interface ^= not chance.randrange(9)
        comments = [f"of packet {number}"] if not chance.randrange(9) else []
        writer.packet(number, bytes(chance.randrange(90)), interface=interface, comments=comments)
        said += comments
        if not chance.randrange(40):
            writer.mark(b"mark %d" % number)
            said.append(f"mark {number}")
    for _ in each_walk(monkeypatch):
        found = list(texts(out))
        assert [value.decode().strip("\0 ") for _, value in found] == said
        assert all(out.getvalue()[at : at + len(value)] == value for at, value in found)


def test_of_the_source_as_many_packets_are_taken_as_the_copy_has() -> None:
    frames = [b"%d" % number for number in range(7)]
    source = SourcePackets([batch_of(frames[:3]), batch_of(frames[3:4]), batch_of(frames[4:])])
    taken: list[list[bytes]] = []
    for count in (2, 3, 0, 1):
        parts = source.take(count)
        taken.append([p.data[at : at + size] for p in parts for _, at, size, _ in p.records])
    assert taken == [frames[:2], frames[2:5], [], frames[5:6]]
    assert source.rest() == 1
    assert source.take(1) == []
    assert source.rest() == 0
