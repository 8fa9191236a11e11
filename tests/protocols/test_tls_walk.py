"""One direction's records once the handshake is over: counted alike by both engines."""

from __future__ import annotations

import random
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.native.used import USED
from inspector.protocols.tls_walk import RecordWalk, Use
from inspector.wire import Segment, Segments
from tests.flows.build import native_core
from tests.protocols.conftest import packed


def record(size: int, kind: int = 23, version: bytes = b"\x03\x03") -> bytes:
    return bytes([kind]) + version + size.to_bytes(2, "big") + b"\x17" * size


def passed(walk: RecordWalk, segments: list[Segment] | Segments) -> tuple[int, RecordWalk]:
    """How many segments it takes, and where it stands then."""
    own = replace(walk)
    return own.pass_data(segments), own


def both(walk: RecordWalk, segments: list[Segment]) -> tuple[int, RecordWalk]:
    """The pure engine's answer, after proving that it is the compiled one's."""
    expected = passed(walk, segments)
    with patch.object(USED, "core", native_core()):
        assert passed(walk, packed(segments)) == expected
    return expected


def cut(stream: bytes, chance: random.Random, longest: int) -> list[Segment]:
    segments: list[Segment] = []
    while stream:
        size = chance.randint(1, longest)
        segments.append((len(segments), len(segments) + 1, stream[:size]))
        stream = stream[size:]
    return segments


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=12),
    st.integers(0, 1 << 30),
    st.sampled_from([5, 60, 400, 5000]),
)
def test_records_are_counted_however_they_are_cut(
    sizes: list[int], seed: int, longest: int
) -> None:
    segments = cut(b"".join(map(record, sizes)), random.Random(seed), longest)
    walk = RecordWalk(up=True, hello=None)
    while segments:  # where a header is cut in two the general walk goes on: here, whole again
        taken, walk = both(walk, segments)
        segments = segments[taken:]
        if segments and len(segments) > 1:
            (at, packet, first), (_, _, second), *rest = segments
            segments = [(at, packet, first + second), *rest]
        elif not taken:
            break

    assert not segments
    assert (walk.records, walk.app_bytes) == (len(sizes), sum(sizes))
    assert (walk.left, walk.use) == (0, Use.NOTHING)


@pytest.mark.parametrize(
    "odd",
    [
        record(10, kind=21),
        record(10, version=b"\x03\x01"),
        record(0),
        record((1 << 14) + 2049)[:100],
        record(10)[:3],
    ],
)
def test_it_stops_in_front_of_anything_but_application_data(odd: bytes) -> None:
    whole = (1, 1, record(40))
    taken, walk = both(RecordWalk(up=False, hello=None), [whole, (2, 2, record(5) + odd), whole])

    assert taken == 1
    assert (walk.records, walk.app_bytes) == (1, 40)


def test_a_record_that_goes_on_is_counted_where_it_ends() -> None:
    start, rest = record(100)[:60], record(100)[60:]
    taken, walk = both(RecordWalk(up=False, hello=None), [(1, 1, start)])
    assert (taken, walk.records, walk.left, walk.use) == (1, 0, 45, Use.DATA)

    taken, walk = both(walk, [(2, 2, rest[:20]), (3, 3, b""), (4, 4, rest[20:] + record(7))])
    assert (taken, walk.records, walk.app_bytes, walk.left) == (3, 2, 107, 0)


def test_what_is_collected_or_half_read_is_left_to_the_general_walk() -> None:
    data = [(1, 1, record(5))]

    assert both(RecordWalk(up=True, header=b"\x17\x03"), data)[0] == 0
    assert both(RecordWalk(up=True, left=3, use=Use.READING), data)[0] == 0
