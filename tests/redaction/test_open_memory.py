"""What a copy remembers of a connection that is open, in bytes of Python's allocator."""

from __future__ import annotations

import gc
import tracemalloc
from io import BytesIO

from benchmarks.attacks import ATTACKS
from inspector.pcap.reader import CaptureReader
from inspector.pcap.source import ByteSource
from inspector.redaction import Redactor

COUNT = 400


def test_memory_of_a_tunnel_that_is_open() -> None:
    """Its reading included, which for a report is there anyway: 7 KB of 15."""
    source = ByteSource(BytesIO(ATTACKS["tunnels"].make(COUNT)))
    batches = list(CaptureReader(source, "tunnels", 0))
    for _ in Redactor().feed(batches[0]):  # what is made once
        pass
    redactor = Redactor()
    gc.collect()
    tracemalloc.start()
    try:
        for batch in batches:
            for _ in redactor.feed(batch):
                pass
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / COUNT < 17_500
