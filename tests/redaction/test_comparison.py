"""A copy differs from its source by masks alone, says the compiled core and the pure engine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.native.used import USED
from inspector.redaction.comparison import MASK_BYTES, CopyDifference, difference
from inspector.wire import Batch, PackedRecords, Record
from tests.flows.build import native_core

FRAMES = [b"first packet", b"", b"the second, which is longer than a word", b"last"]


def batch_of(
    frames: list[bytes], *, at: int = 0, wire: int = 0, link: int = 1, before: bytes = b""
) -> Batch:
    """Frames in one batch, behind each other and behind something else."""
    records: list[Record] = []
    begin = len(before)
    for number, frame in enumerate(frames):
        records.append((number + at, begin, len(frame), len(frame) + wire))
        begin += len(frame)
    return Batch(before + b"".join(frames), PackedRecords(records), link, 1)


SOURCE = batch_of(FRAMES)


def each_engine() -> Iterator[None]:
    for core in (native_core(), None):
        with patch.object(USED, "core", core):
            yield


def differing(frames: list[bytes], **how: int) -> list[CopyDifference]:
    """What both engines say of a copy with these frames."""
    copy = batch_of(frames, before=b"block", **how)
    return [difference(copy, SOURCE, 10) for _ in each_engine()]


def changed(index: int, old: bytes, new: bytes) -> list[bytes]:
    frames = list(FRAMES)
    assert old in frames[index]
    frames[index] = frames[index].replace(old, new)
    return frames


def test_what_is_as_it_was_does_not_differ() -> None:
    assert differing(FRAMES) == [CopyDifference()] * 2


@pytest.mark.parametrize("byte", MASK_BYTES)
def test_a_byte_of_a_mask_may_stand_for_any(byte: int) -> None:
    for index, frame in enumerate(FRAMES):
        masked = changed(index, frame, bytes([byte]) * len(frame))
        assert differing(masked) == [CopyDifference()] * 2


def test_any_other_byte_is_foreign_where_it_stands() -> None:
    found = differing(changed(2, b"longer", b"Longex"))
    place = len(b"block" + FRAMES[0]) + FRAMES[2].index(b"longer")
    assert found == [CopyDifference([range(place, place + 1)], foreign=1)] * 2


def test_a_stretch_over_two_packets_is_one_in_each() -> None:
    frames = [b"first pa....", b"", b"..." + FRAMES[2][3:], b"last"]
    first, second = range(13, 17), range(17, 20)
    assert differing(frames) == [CopyDifference([first, second], foreign=2)] * 2


@pytest.mark.parametrize("how", [{"at": 1}, {"wire": 1}, {"link": 113}])
def test_every_packet_of_another_time_length_or_link_type_is_unlike(how: dict[str, int]) -> None:
    assert differing(FRAMES, **how) == [CopyDifference(unlike=4)] * 2


def test_a_packet_of_another_length_must_not_stay() -> None:
    unlike = CopyDifference([range(17, 18), range(57, 57)], unlike=2)
    copy = [FRAMES[0], b"x", FRAMES[2], b""]
    both = [difference(batch_of(copy, before=b"block"), SOURCE, 10) for _ in each_engine()]
    assert both == [unlike] * 2


def test_what_was_coded_anew_may_have_any_byte_but_no_other_length() -> None:
    copy = batch_of([b"FIRST PACKET", b"", FRAMES[2].upper(), b"last!"])
    for _ in each_engine():
        found = difference(copy, SOURCE, 10, recoded={10, 13})
        assert (found.foreign, found.unlike) == (8, 1)


#: Few kinds of bytes, so that many are alike; `x` and `1` are a mask's.
BYTES = st.binary(max_size=60).map(lambda data: bytes(b"abx1"[byte % 4] for byte in data))


@given(st.lists(BYTES, max_size=6), st.randoms(use_true_random=False), st.sampled_from([1, 6, 40]))
def test_both_engines_find_the_same_places(
    frames: list[bytes], chance: random.Random, rarely: int
) -> None:
    copied = [
        bytes(chance.choice(b"abx1") if not chance.randrange(rarely) else byte for byte in frame)
        for frame in frames
    ]
    copy, source = batch_of(copied, before=b"-" * 9), batch_of(frames)
    for _ in each_engine():
        found = difference(copy, source, 1)
        hidden = {at for stretch in found.hidden for at in stretch}
        assert hidden == {
            at + 9
            for at, (one, was) in enumerate(zip(copy.data[9:], source.data, strict=True))
            if one != was and one not in MASK_BYTES
        }
        assert found.foreign == len(found.hidden)
