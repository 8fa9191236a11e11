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
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Final

from benchmarks.generate import SmallPackets, write
from benchmarks.native_spike.engine import NativeEngine, build
from inspector.flows.contract import BATCH, Delivery, Opened, Run
from inspector.flows.engine import PacketEngine
from inspector.pcap.reader import open_captures

READ: Final = 1 << 20
PCAP_HEADER: Final = 24

#: The runs of each direction (connection, from the client).
Streams = dict[tuple[int, bool], list[bytes]]


def pure(path: Path) -> tuple[float, int, Streams]:
    """CPU seconds, packets, and the runs of each direction."""
    streams: Streams = defaultdict(list)
    engine = PacketEngine()
    began = time.process_time()
    [capture] = open_captures([path])
    for batch in capture:
        join(engine, engine.feed(batch), streams)
    join(engine, engine.finish(), streams)
    return time.process_time() - began, engine.notes.packets, streams


def join(engine: PacketEngine, deliveries: Iterable[Delivery], streams: Streams) -> None:
    """Join the bytes of each run; all that comes is wanted in batches."""
    for delivery in deliveries:
        match delivery:
            case Run(stream, up, segments):
                streams[stream, up].append(b"".join([piece for _, _, piece in segments]))
            case Opened(stream):
                for up in (True, False):
                    engine.want(stream, up, BATCH)


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
