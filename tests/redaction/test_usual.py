"""What a usual frame holds is what the reader of any frame finds in it, with both engines."""

from __future__ import annotations

import random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.native.used import USED
from inspector.redaction.frames import FrameReader
from inspector.redaction.usual import UsualSegments, usual_segments
from inspector.wire import Batch, PackedRecords
from tests.flows.build import batch, native_core
from tests.flows.frames import FRAMES, PAYLOAD
from tests.native.difference import traffic
from tests.redaction.test_frames import batch_of

seeds = st.integers(0, (1 << 32) - 1)


def by_both(batch: Batch) -> UsualSegments:
    """What the pure engine finds, after the proof that the compiled one finds that."""
    with patch.object(USED, "core", None):
        pure = usual_segments(batch)
    with patch.object(USED, "core", native_core()):
        compiled = usual_segments(batch)
    assert compiled.packed == pure.packed
    assert compiled.ways == pure.ways
    return pure


@given(
    st.sampled_from(sorted(FRAMES)), st.lists(st.tuples(st.integers(0, 79), st.binary(max_size=1)))
)
def test_what_is_usual_is_read_as_any_other_frame_would_be(
    name: str, damage: list[tuple[int, bytes]]
) -> None:
    frame = FRAMES[name]
    data = bytearray(frame.data)
    for at, byte in damage:
        data[at : at + 1] = byte  # another byte, or one less
    batch = batch_of([bytes(data[:60]), bytes(data)], frame.link_type)
    for usual, (at, start, size, wire) in zip(by_both(batch), batch.records, strict=True):
        if usual is None:
            continue
        read = batch.data[start : start + size]
        reading = FrameReader().read(frame.link_type, read, wire, at, 1)
        found = reading.segment
        assert found is not None
        assert reading.places is not None
        [place] = reading.places
        assert usual == (
            found.key, found.seq, found.flags, start + place.start, start + place.stop
        )  # fmt: skip
        assert reading.options == ()
        assert usual[4] == start + reading.end


@given(seeds)
def test_both_engines_find_the_same_in_traffic(seed: int) -> None:
    packets = traffic(seed)
    random.Random(seed).shuffle(packets)
    by_both(batch(packets))


def test_most_frames_are_usual() -> None:
    frame = FRAMES["ethernet"]
    [usual] = by_both(batch_of([frame.data], frame.link_type))
    assert usual is not None
    assert frame.data[usual[3] : usual[4]] == PAYLOAD


@pytest.mark.parametrize(("behind", "is_usual"), [(bytes(6), True), (b"\0\0left", False)])
def test_behind_a_usual_segment_stand_zeros(behind: bytes, is_usual: bool) -> None:
    frame = FRAMES["ethernet"]
    [usual] = by_both(batch_of([frame.data + behind], frame.link_type))
    assert (usual is not None) is is_usual


def test_no_record_reaches_beyond_the_data() -> None:
    frame = FRAMES["ethernet"].data
    records = [(0, 0, len(frame) + 1, 90), (0, -1, 90, 90), (0, 1 << 62, 90, 90), (0, 0, -1, 90)]
    with patch.object(USED, "core", native_core()):
        found = usual_segments(Batch(frame, PackedRecords(records), 1, 1))
    assert list(found) == [None] * 4


def test_directions_are_numbered_as_they_are_met() -> None:
    frame = FRAMES["ethernet"].data
    other = frame.replace(PAYLOAD, b"")  # shorter than it says
    back = bytearray(frame)
    back[26:30], back[30:34] = frame[30:34], frame[26:30]
    found = by_both(batch_of([frame, bytes(back), other, frame]))
    assert (found.ways, [*found.packed[5::6]]) == (2, [0, 1, -1, 0])


def test_a_part_of_them_is_one_as_well() -> None:
    frame = FRAMES["ethernet"].data
    found = by_both(batch_of([frame, frame[:-1], frame]))
    assert list(found[1:]) == [None, found[2]]
    assert found[-3] == found[0] == next(iter(found))
    with pytest.raises(IndexError):
        found[3]
    with pytest.raises(ValueError, match="consecutive"):
        found[::2]


def test_they_show_no_bytes() -> None:
    frame = FRAMES["ethernet"].data
    assert repr(by_both(batch_of([frame]))) == "<UsualSegments 1, 1 ways>"
