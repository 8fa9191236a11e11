"""Packets that leave a batch leave what lies between them behind."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from inspector.native.used import USED
from inspector.redaction.held import HeldBatch
from inspector.redaction.usual import usual_segments
from inspector.wire import Batch, PackedRecords
from tests.flows.build import native_core
from tests.pcap.test_blocks import PACKETS, batch_of


def gone(batch: Batch, stops: list[int]) -> list[Batch]:
    """What leaves, stop by stop, after the proof that both engines say the same."""
    found = []
    for core in (None, native_core()):
        with patch.object(USED, "core", core):
            held = HeldBatch(batch, usual_segments(batch))
            held.data[:1] = b"x"  # as it will be written, not as it was captured
            found.append([held.go(stop, {}) for stop in stops])
    pure, compiled = found
    for one, other in zip(pure, compiled, strict=True):
        assert (one.data, list(one.records)) == (other.data, list(other.records))
        assert one.first_packet == other.first_packet
    return compiled


@given(PACKETS, st.lists(st.integers(0, 12)))
def test_both_engines_let_the_same_packets_go(
    packets: list[tuple[int, bytes, int]], stops: list[int]
) -> None:
    stops = sorted({min(stop, len(packets)) for stop in stops} | {len(packets)})
    frames = [
        part.data[start : start + size]
        for part in gone(batch_of(packets), stops)
        for _, start, size, _ in part.records
    ]
    assert frames == [frame for _, frame, _ in packets]


def test_nothing_that_lies_between_packets_goes_along() -> None:
    batch = Batch(b"onebetweentwo", PackedRecords([(5, 0, 3, 9), (7, 10, 3, 3)]), 1, 40)
    [first, last] = gone(batch, [1, 2])
    assert (first.data, last.data) == (b"xne", b"two")
    assert (list(last.records), last.first_packet) == ([(7, 0, 3, 3)], 41)
