"""Packets become the same blocks with both engines, and are read back as they were."""

from __future__ import annotations

from io import BytesIO
from struct import unpack_from
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.native.used import USED
from inspector.pcap.blocks import LATEST, block_length, packet_blocks
from inspector.pcap.reader import CaptureReader
from inspector.pcap.source import ByteSource
from inspector.pcap.writer import PcapngWriter
from inspector.wire import Batch, PackedRecords, Record
from tests.flows.build import native_core

ORDERS = st.sampled_from("<>")
PACKETS = st.lists(
    st.tuples(st.integers(0, (1 << 63) - 1), st.binary(max_size=70), st.integers(0, 9)), max_size=12
)


def batch_of(packets: list[tuple[int, bytes, int]]) -> Batch:
    """They lie apart, as packets of a file do."""
    records: list[Record] = []
    data = b"-"
    for at, frame, longer in packets:
        records.append((at, len(data), len(frame), len(frame) + longer))
        data += frame + b"between"
    return Batch(data, PackedRecords(records), 1, 1)


def by_both(
    batch: Batch, begin: int, end: int, order: str, options: dict[int, bytes] | None = None
) -> bytes:
    options = options or {}
    with patch.object(USED, "core", None):
        pure = packet_blocks(batch, begin, end, 3, order, options)
    with patch.object(USED, "core", native_core()):
        assert packet_blocks(batch, begin, end, 3, order, options) == pure
    return bytes(pure)


@given(PACKETS, ORDERS, st.sets(st.integers(0, 14)), st.integers(0, 12), st.integers(0, 12))
def test_both_engines_write_the_same(
    packets: list[tuple[int, bytes, int]], order: str, commented: set[int], begin: int, end: int
) -> None:
    options = dict.fromkeys(commented, b"\1\0\4\0text\0\0\0\0")
    begin, end = min(begin, len(packets)), min(end, len(packets))
    blocks = by_both(batch_of(packets), begin, max(begin, end), order, options)
    lengths = [
        block_length(len(packets[index][1]), options.get(index, b""))
        for index in range(begin, max(begin, end))
    ]
    assert len(blocks) == sum(lengths)
    at = 0
    for length in lengths:
        assert unpack_from(order + "2I", blocks, at) == (6, length)
        at += length
        assert unpack_from(order + "I", blocks, at - 4) == (length,)


@given(PACKETS, ORDERS)
def test_what_was_written_is_read(packets: list[tuple[int, bytes, int]], order: str) -> None:
    out = BytesIO()
    writer = PcapngWriter(out, order=order)
    for _ in range(4):
        writer.interface()
    packets = [(min(at, 1 << 62), frame, longer) for at, frame, longer in packets]
    out.write(by_both(batch_of(packets), 0, len(packets), order))
    out.seek(0)
    read = [
        (at, batch.data[start : start + captured], wire - captured)
        for batch in CaptureReader(ByteSource(out, owned=False), "made here", 0)
        for at, start, captured, wire in batch.records
    ]
    assert read == packets


def test_a_time_that_no_block_tells_becomes_the_last() -> None:
    late = Batch(b"frame", [(LATEST + 1, 0, 5, 5)], 1, 1)
    with patch.object(USED, "core", None):
        block = packet_blocks(late, 0, 1, 0, "<", {})
    assert unpack_from("<2I", block, 12) == (0xFFFFFFFF, 0xFFFFFFFF)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_time_before_1970_is_an_error(compiled: bool) -> None:
    early = Batch(b"frame" * 2, PackedRecords([(1, 0, 5, 5), (-1, 5, 5, 5)]), 1, 1)
    core = native_core() if compiled else None
    with patch.object(USED, "core", core), pytest.raises(Exception, match="argument out of range"):
        packet_blocks(early, 0, 2, 0, "<", {})
