"""Race the spike against the pure packet loop over one file, and compare what they join.

    python -m benchmarks.native_spike [FILE.pcap] [--packets N] [--repeat N]

Both get the same bytes in the same process and join runs a flow; the pure loop's reader asks
for batches, as an event stream's does.  A digest a direction must be equal.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections import defaultdict
from operator import itemgetter
from pathlib import Path
from typing import Final

from benchmarks.generate import SmallPackets, write
from benchmarks.native_spike.engine import NativeEngine, build
from inspector.flows.loop import PacketLoop
from inspector.flows.stream import BATCH, TcpConnection
from inspector.pcap.reader import open_captures
from inspector.wire import Segment

READ: Final = 1 << 20
PCAP_HEADER: Final = 24

#: The runs of each direction (connection, from the client).
Streams = dict[tuple[int, bool], list[bytes]]


class _Joiner:
    """Joins what the pure loop shows of one connection; a run is one call."""

    def __init__(self, streams: Streams, number: int) -> None:
        self._streams, self._number = streams, number

    def data(self, up: bool, segments: list[Segment]) -> int:
        self._streams[self._number, up].append(b"".join([piece for _, _, piece in segments]))
        return BATCH

    def skipped(self, up: bool, count: int, at: int, packet: int) -> int:
        return BATCH

    def gap(self, up: bool, count: int, at: int, packet: int) -> int:
        return BATCH

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> int | None:
        return None

    def end(self, up: bool, at: int, packet: int) -> None:
        pass

    def finish(self, at: int, packet: int) -> None:
        pass


def pure(path: Path) -> tuple[float, int, Streams]:
    """CPU seconds, packets, and the runs of each direction."""
    streams: Streams = defaultdict(list)

    def opened(connection: TcpConnection) -> _Joiner:
        return _Joiner(streams, connection.number)

    loop = PacketLoop(in_scope=lambda *_: True, opened=opened, closed=lambda _: None)
    began = time.process_time()
    [capture] = open_captures([path])
    for batch in capture:
        loop.feed(batch)
    loop.finish()
    return time.process_time() - began, loop.notes.packets, streams


def native(path: Path, library: Path) -> tuple[float, int, Streams]:
    """The same of the spike."""
    streams: Streams = defaultdict(list)
    engine = NativeEngine(library)
    began = time.process_time()
    rest = b""
    with path.open("rb") as file:
        file.read(PCAP_HEADER)
        while more := file.read(READ):
            data = rest + more
            deliveries, used = engine.feed(data)
            for stream, up, _, piece, _ in deliveries:
                streams[stream, up].append(piece)
            rest = data[used:]
    return time.process_time() - began, engine.packets, streams


def joined(streams: Streams) -> dict[tuple[int, bool], str]:
    """A digest of all bytes of each direction."""
    return {
        place: hashlib.sha256(b"".join(runs)).hexdigest() for place, runs in sorted(streams.items())
    }


def main() -> None:
    """The command: see the module's text."""
    parser = argparse.ArgumentParser(description="Race the native spike against the pure loop.")
    parser.add_argument("path", type=Path, nargs="?")
    parser.add_argument("--packets", type=int, default=500_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        library = build(Path(scratch))
        path = options.path
        if path is None:
            path = Path(scratch) / "sse.pcap"
            write(SmallPackets(), path, packets=options.packets)
        slow = [pure(path) for _ in range(options.repeat)]
        fast = [native(path, library) for _ in range(options.repeat)]
    (cpu, packets, streams), (native_cpu, native_packets, native_streams) = (
        min(attempts, key=itemgetter(0)) for attempts in (slow, fast)
    )
    assert packets == native_packets, "the two walked different numbers of packets"
    assert joined(streams) == joined(native_streams), "the two joined different bytes"
    runs = sum(map(len, streams.values()))
    native_runs = sum(map(len, native_streams.values()))
    print(f"packets {packets:,}; runs: pure {runs:,}, native {native_runs:,}; same bytes")
    print(f"pure   {cpu:.3f} s CPU, {packets / cpu:,.0f} packets/s")
    print(f"native {native_cpu:.3f} s CPU, {packets / native_cpu:,.0f} packets/s")
    print(f"native is {cpu / native_cpu:.1f} x the pure engine")


if __name__ == "__main__":
    main()
