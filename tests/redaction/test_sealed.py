"""Of application data of TLS a copy has the headers: their places, and what is written by them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.native.functions import Core
from inspector.native.layout import SEAL_BEGINS, SEAL_HIDES, Cover
from inspector.native.used import USED
from inspector.redaction.covering import CHANGED, NOWHERE, Packets, chain, cover
from inspector.redaction.sealed import SealedBytes, sealed
from inspector.redaction.track import Track
from inspector.wire import Segments
from tests.flows.build import native_core

#: Bodies of records; some are as blank as they will be.
BODIES = st.lists(st.one_of(st.binary(min_size=1, max_size=30), st.just(b"xxxx")), max_size=6)


def engines() -> Iterator[Core | None]:
    for core in (None, native_core()):
        with patch.object(USED, "core", core):
            yield core


def record(body: bytes, kind: int = 23) -> bytes:
    return bytes((kind, 3, 3)) + len(body).to_bytes(2, "big") + body


def pieces(data: bytes, cuts: list[int]) -> Segments:
    """The same in segments that lie apart in a batch."""
    bounds = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    batch, places = b"--", array("q")
    for start, stop in pairwise(bounds):
        places.extend((7, 1, len(batch), len(batch) + stop - start))
        batch += data[start:stop] + b"--"
    return Segments(batch, places)


def read(data: bytes, cuts: list[int], start: int, left: int) -> list[tuple[list[int], int] | None]:
    found: list[tuple[list[int], int] | None] = []
    for _ in engines():
        made = sealed(pieces(data, cuts), start, left)
        found.append(None if made is None else ([*made[0]], made[1]))
    assert found[0] == found[1]
    return found


@given(BODIES, st.binary(max_size=9), st.lists(st.integers(0, 200), max_size=5), st.integers(0, 12))
def test_both_engines_find_the_same_records(
    bodies: list[bytes], rest: bytes, cuts: list[int], lacks: int
) -> None:
    """In segments of any size, from the midst of a record on, and up to the midst of one."""
    data = rest + b"".join(map(record, bodies))
    [found, _] = read(data[: len(data) - lacks], cuts, 100, len(rest))
    expected, at = [[100, 0]] * bool(rest), 100 + len(rest)
    for body in bodies:
        expected.append([at, SEAL_BEGINS | int.from_bytes(record(body)[:5], "big")])
        at += 5 + len(body)
    if lacks == 0:
        assert found is not None
        records, left = found
        assert left == 0
        shown = [[records[i], records[i + 1] & ~SEAL_HIDES] for i in range(0, len(records), 2)]
        assert shown == expected
        hidden = [bool(value & SEAL_HIDES) for value in records[1::2]]
        texts = [rest] * bool(rest) + bodies
        assert hidden == [bool(text.strip(b"x")) for text in texts]


@pytest.mark.parametrize(
    "data",
    [
        record(b"alert", 21),
        record(b"LABONLY") + record(b"\1", 20),
        record(b"LABONLY") + b"\x17\x03\x03",  # a header that is not whole
        b"\x17\x03\x03\0\0" + record(b"LABONLY"),
        b"\x17\x03\x03\xff\xff",  # longer than a record can be
        b"\x17\x03\x01\0\1x",
    ],
)
def test_what_is_no_application_data_is_left_to_who_reads_every_record(data: bytes) -> None:
    assert read(data, [], 0, 0) == [None, None]


def test_many_short_records_are_all_told() -> None:
    [found, _] = read(record(b"a") * 5000, [], 0, 0)
    assert found is not None
    assert len(found[0]) == 10_000


@given(
    BODIES, st.binary(max_size=9),
    st.lists(st.tuples(st.integers(-2, 150), st.integers(1, 40), st.integers(-1, 150)), max_size=9),
    st.integers(0, 200), st.integers(0, 20),
)  # fmt: skip
def test_packets_keep_headers_and_nothing_else(
    bodies: list[bytes], rest: bytes, packets: list[tuple[int, int, int]], decided: int, base: int
) -> None:
    """Some have a byte changed: in a header it is told, in a body nobody can tell."""
    data = rest + b"".join(map(record, bodies))
    shown = b"x" * len(rest) + b"".join(record(body)[:5] + b"x" * len(body) for body in bodies)
    is_header = bytes(len(rest)) + b"".join(b"\1" * 5 + bytes(len(body)) for body in bodies)
    outcomes = []
    for _ in engines():
        made = sealed(pieces(data, []), 0, len(rest))
        assert made is not None
        stretch = SealedBytes(0)
        stretch.add(len(data), made[0])
        stretch = stretch.behind(min(base, len(data)))
        frames, rows = bytearray(b"-"), array("q")
        for offset, length, changed in packets:
            frame = bytearray(b"??" + data + b"?" * 200)[offset + 2 : offset + 2 + length]
            if 0 <= changed - offset < length:
                frame[changed - offset] ^= 1
            rows.extend((-1, offset & 0xFFFFFFFF, 0, len(frames), len(frames) + length, 0))
            frames += frame
        held = Packets(bytes(frames), rows)
        [at] = chain(rows, 0, len(packets), held.following, 1)
        direction = Cover(
            known=0, offset=0, decided=decided, over=1, first=-1, least=NOWHERE, soonest=NOWHERE
        )
        odd = []
        while at >= 0:
            at = cover(direction, stretch, held, at)
            if at >= 0:
                odd.append(at)
                at = held.following[at]
        outcomes.append((bytes(held.data), bytes(held.flags), odd))
        for index, (offset, length, changed) in enumerate(packets):
            end, start = offset + length, rows[6 * index + 3]
            written = bytes(held.data[start : start + length])
            is_alike = not (offset <= changed < end) or not is_header[changed : changed + 1].strip(
                b"\0"
            )
            if stretch.base <= offset and end <= min(decided, len(data)) and is_alike:
                assert written == shown[offset:end]
                assert index not in odd
            else:
                assert written == frames[start : start + length], "it is left to the caller"
                assert index in odd
    assert outcomes[0] == outcomes[1]


def test_a_packet_has_changed_where_something_of_a_record_is_hidden() -> None:
    data = record(b"LABONLY xxxx") + record(b"xxxx")
    for _ in engines():
        made = sealed(pieces(data, []), 0, 0)
        assert made is not None
        stretch = SealedBytes(0)
        stretch.add(len(data), made[0])
        rows = array("q")
        for start, stop in ((0, 5), (5, 9), (13, 17), (17, 26)):
            rows.extend((-1, start, 0, start, stop, 0))
        held = Packets(data, rows)
        [first] = chain(rows, 0, 4, held.following, 1)
        direction = Cover(decided=len(data), first=-1, least=NOWHERE, soonest=NOWHERE)
        assert cover(direction, stretch, held, first) == -1
        assert [flags & CHANGED for flags in held.flags] == [0, 1, 1, 0]


def sealed_track(body: bytes = b"LABONLY" * 10) -> Track:
    track = Track()
    track.add(b"hello")
    track.grant(0, b"hexxo")
    data = record(body)
    made = sealed([(0, 0, data)], 5, 0)
    assert made is not None
    track.seal(len(data), made[0])
    track.add(b"rest\n")
    return track


def test_a_track_is_blank_between_headers_and_unread_behind() -> None:
    track = sealed_track()
    assert track.settle(1 << 62) == 80, "the first byte that nobody read"
    data = b"hello" + record(b"LABONLY" * 10) + b"rest\n"
    shown = b"hexxo" + record(b"x" * 70) + b"xxxx\n"
    assert track.covered(0, data) == (shown, "")
    assert track.covered(2, data[2:9]) == (shown[2:9], "")
    assert track.covered(12, b"secret") == (b"xxxxxx", ""), "what is blank is compared with nothing"
    assert track.covered(5, b"\x17\x03\x04\0F") == (b"xxxxx", "unmatched")
    assert track.read(10, 20) == b""


def test_what_follows_without_a_gap_is_forgotten_together() -> None:
    track = sealed_track(b"LABONLY" * 500)
    track.settle(1 << 62)
    assert track.remembered == track.end
    track.trim(needed=track.end, history=100, past=0, slack=0)
    assert track.remembered == 100
    assert track.covered(track.end - 50, b"?" * 45 + b"rest\n")[1] == ""
    assert track.covered(0, b"hello") == (b"xxxxx", "forgotten")


def test_of_what_nobody_saw_a_packet_s_own_bytes_tell_whether_it_has_changed() -> None:
    data = record(b"xxxxxxxx" + b"xxLABONLY")
    for _ in engines():
        made = sealed([(0, 0, data[:13])], 0, 0)
        assert made is not None
        assert made[1] == 9, "so much is to come"
        stretch = SealedBytes(0)
        stretch.add(13, made[0])
        stretch.add(len(data) - 13, None)
        rows = array("q")
        for start, stop in ((0, 13), (13, 15), (15, 22)):
            rows.extend((-1, start, 0, start, stop, 0))
        held = Packets(data, rows)
        [first] = chain(rows, 0, 3, held.following, 1)
        direction = Cover(decided=len(data), first=-1, least=NOWHERE, soonest=NOWHERE)
        assert cover(direction, stretch, held, first) == -1
        assert [flags & CHANGED for flags in held.flags] == [0, 0, 1]
        assert held.data == record(b"x" * 17)
