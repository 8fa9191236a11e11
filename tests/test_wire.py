"""The shapes in which packets travel, and how one is named: by its file and number."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.wire import (
    FILE_SHIFT,
    PORTION_NS,
    SKEW_NS,
    PackedRecords,
    Record,
    Segment,
    Segments,
    joined,
    keeps_all,
    packet_label,
    packet_reference,
    precedes,
    size_of,
    stands_before,
)

files = st.integers(0, 1000)
LAST = (1 << FILE_SHIFT) - 1
numbers = st.integers(1, LAST)


def test_numbers_count_from_one_as_wireshark_does_and_files_as_on_the_command_line() -> None:
    assert packet_label(packet_reference(0, 30), several_files=False) == 30
    assert packet_label(packet_reference(0, 30), several_files=True) == "1:30"
    assert packet_label(packet_reference(1, 30), several_files=True) == "2:30"


@given(files, numbers)
def test_a_label_tells_file_and_number(file: int, number: int) -> None:
    reference = packet_reference(file, number)

    assert packet_label(reference, several_files=True) == f"{file + 1}:{number}"
    assert packet_label(reference, several_files=False) == number


@given(files, st.integers(1, LAST - 1))
def test_references_follow_by_one_within_a_file_and_sort_by_file(file: int, number: int) -> None:
    assert packet_reference(file, number) + 1 == packet_reference(file, number + 1)
    assert packet_reference(file, number) < packet_reference(file + 1, 1)


@pytest.mark.parametrize(
    ("rule", "subnet", "answer"),
    [
        ("everything", None, True),
        ("everything; TLS cut behind its handshake, records counted", "172.30.0.0/24", True),
        ("net 172.30.0.0/24", "172.30.0.0/24", True),
        ("net 172.30.0.0/24; TLS cut behind its handshake, records counted", "172.30.0.0/24", True),
        ("net 172.30.0.0/24", None, False),
        ("net 172.30.0.0/25", "172.30.0.0/24", False),
        ("net 172.30.0.0/24 and port 3128", "172.30.0.0/24", False),
        ("", "172.30.0.0/24", False),
    ],
)
def test_a_filter_that_lets_through_what_the_report_is_about(
    rule: str, subnet: str | None, answer: bool
) -> None:
    assert keeps_all(rule, () if subnet is None else (subnet,)) is answer


def test_of_several_networks_a_filter_has_to_let_each_through() -> None:
    both = "net 172.30.0.0/24 or net 172.31.0.0/24"
    assert keeps_all(both, ("172.31.0.0/24", "172.30.0.0/24"))
    assert keeps_all(both, ("172.31.0.0/24",))
    assert not keeps_all("net 172.30.0.0/24", ("172.30.0.0/24", "172.31.0.0/24"))


def test_time_tells_what_came_first_where_it_can() -> None:
    assert precedes((10, 1), (20, 2))
    assert precedes((10, 2), (10 + PORTION_NS, 1))  # two interfaces, in turn
    assert not precedes((20, 1), (20 - PORTION_NS, 2))


@given(st.integers(PORTION_NS + 1, 10**18))
def test_a_files_order_tells_where_its_clock_stepped_back(step: int) -> None:
    assert precedes((10**18, 1), (10**18 - step, 2))
    assert not precedes((10**18 - step, 2), (10**18, 1))


def test_packets_tell_where_times_do_not_differ() -> None:
    assert precedes((0, 1), (0, 2))
    assert not precedes((0, 2), (0, 1))
    assert not precedes((0, 1), (0, 1))


def test_of_two_files_the_clocks_tell() -> None:
    first, second = packet_reference(0, 9), packet_reference(1, 1)

    assert precedes((10, second), (20, first))
    assert not precedes((10**10, first), (10, second))


def test_within_a_connection_times_of_one_file_tell_nothing() -> None:
    assert stands_before((10**18, 1), (0, 2))
    assert not stands_before((0, 2), (10**18, 1))


def test_clocks_of_two_files_tell_within_a_connection_when_they_are_well_apart() -> None:
    first, second = packet_reference(0, 9), packet_reference(1, 1)

    assert not stands_before((0, first), (SKEW_NS, second))
    assert stands_before((0, first), (SKEW_NS + 1, second))


record = st.tuples(st.integers(0, 1 << 62), *[st.integers(0, 1 << 20)] * 3)
segment = st.tuples(st.integers(0, 1 << 62), st.integers(1, 1 << 50), st.binary(max_size=5))
places = st.integers(-7, 7)


@given(st.lists(record, max_size=5), places, places)
def test_packed_records_are_a_list_of_tuples(rows: list[Record], start: int, stop: int) -> None:
    packed = PackedRecords(rows)

    assert packed == rows
    assert list(packed) == rows
    assert len(packed) == len(rows)
    assert packed[start:stop] == rows[start:stop]
    assert [packed[at] for at in range(-len(rows), len(rows))] == rows * 2
    assert list(packed.times) == [at for at, *_ in rows]
    with pytest.raises(IndexError):
        packed[len(rows)]


@given(st.lists(record, min_size=1, max_size=5), st.integers(0, 1 << 62))
def test_times_are_moved_into_a_range_and_those_that_were_outside_told(
    rows: list[Record], last: int
) -> None:
    packed = PackedRecords(rows)

    assert packed.keep_times(5, last) == [
        index for index, (at, *_) in enumerate(rows) if not 5 <= at <= last
    ]
    assert [at for at, *_ in packed] == [min(max(at, 5), last) for at, *_ in rows]


def test_a_time_that_no_63_bits_hold_becomes_the_nearest_that_they_do() -> None:
    packed = PackedRecords()
    packed.extend([(1 << 70, 1, 2, 3), (-(1 << 70), 4, 5, 6)])

    assert packed == [((1 << 63) - 1, 1, 2, 3), (-(1 << 63), 4, 5, 6)]


@given(st.lists(segment, max_size=5), st.lists(segment, max_size=3), places, places)
def test_packed_segments_are_a_list_of_tuples(
    rows: list[Segment], more: list[Segment], start: int, stop: int
) -> None:
    packed, others = Segments(b"", array("q")), Segments(b"", array("q"))
    for row in rows:
        packed.append(row)
    for row in more:
        others.append(row)

    assert packed == rows
    assert packed[start:stop] == rows[start:stop]
    assert packed.joined == joined(rows) == b"".join(data for *_, data in rows)
    assert packed.size == size_of(packed) == size_of(rows)
    assert [packed[at] for at in range(-len(rows), len(rows))] == rows * 2
    assert packed.are_a_row
    assert packed[1:].are_a_row
    if len(rows) > 1:
        assert not Segments(packed.data, packed.places[4:] + packed.places[:4]).are_a_row or (
            packed.size == 0
        )
    part = packed[:2]
    part.extend(packed[2:])  # of the same bytes
    part.extend(others)
    assert part == rows + more
    assert packed == rows


def test_what_packed_segments_hold_is_shown_nowhere() -> None:
    packed = Segments(b"", array("q"))
    packed.append((1, 2, b"x-api-key: sk-made-up-5x7QpZr9TnW2"))

    assert repr(packed) == f"{packed}" == "<Segments 1, 34 bytes>"
    assert repr(PackedRecords([(1, 2, 3, 4)])) == "<PackedRecords 1>"


def test_segments_that_lie_apart_become_a_row_of_their_own() -> None:
    apart = Segments(b"..ab.c....", array("q", (1, 2, 5, 6, 3, 4, 2, 4, 5, 6, 9, 9)))
    row = apart.in_a_row()
    assert row == apart
    assert (row.data, row.are_a_row) == (b"cab", True)
