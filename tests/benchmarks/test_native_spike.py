"""The spike joins what the packet loop joins."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.generate import Mixed, SmallPackets, write
from benchmarks.native_spike.__main__ import joined, native, pure
from benchmarks.native_spike.engine import build

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here")


@pytest.mark.parametrize("workload", [Mixed, SmallPackets])
def test_both_engines_join_the_same_bytes(
    workload: type[Mixed] | type[SmallPackets], tmp_path: Path
) -> None:
    capture = tmp_path / "workload.pcap"
    write(workload(), capture, packets=3000)
    _, packets, streams = pure(capture)
    _, native_packets, native_streams = native(capture, build(tmp_path))
    assert packets == native_packets >= 3000
    assert joined(streams) == joined(native_streams)


def test_interleaved_streams_give_long_runs(tmp_path: Path) -> None:
    capture = tmp_path / "sse.pcap"
    write(SmallPackets(), capture, packets=3000)
    _, packets, streams = native(capture, build(tmp_path))
    assert sum(map(len, streams.values())) < packets / 50
