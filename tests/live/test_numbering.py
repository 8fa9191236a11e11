"""Packet numbers are given once, and say the file of a ring."""

from __future__ import annotations

import pytest

from inspector.live.numbering import BLOCK_OVERHEAD, Numbering, file_of
from inspector.wire import Batch, packet_reference

BLOCK = 100 + BLOCK_OVERHEAD


def batch(count: int) -> Batch:
    return Batch(bytes(100 * count), [(n, 100 * n, 100, 100) for n in range(count)], 1, 999)


def references(batches: list[Batch]) -> list[tuple[int, int]]:
    return [(each.first_packet, len(each.records)) for each in batches]


def test_numbers_go_on_from_batch_to_batch() -> None:
    numbering = Numbering()
    assert references(numbering.number(batch(3), 0)) == [(1, 3)]
    assert references(numbering.number(batch(2), 0)) == [(4, 2)]
    assert numbering.packets == 5
    assert numbering.bytes == 5 * BLOCK


def test_a_file_is_full_before_it_exceeds_its_size() -> None:
    numbering = Numbering(rotate=2 * BLOCK)
    assert references(numbering.number(batch(5), 0)) == [
        (packet_reference(0, 1), 2),
        (packet_reference(1, 1), 2),
        (packet_reference(2, 1), 1),
    ]
    assert references(numbering.number(batch(2), 0)) == [
        (packet_reference(2, 2), 1),
        (packet_reference(3, 1), 1),
    ]


def test_a_packet_larger_than_a_file_has_one_of_its_own() -> None:
    numbering = Numbering(rotate=10)
    assert [file_of(each.first_packet) for each in numbering.number(batch(3), 0)] == [0, 1, 2]


def test_parts_hold_the_very_packets_and_their_comments() -> None:
    numbering = Numbering(rotate=BLOCK)
    commented = Batch(bytes(200), [(0, 0, 100, 100), (1, 100, 100, 100)], 1, 1, {1: ("hello",)})
    first, second = numbering.number(commented, 0)
    assert (first.records, first.comments) == ([(0, 0, 100, 100)], {})
    assert (second.records, second.comments) == ([(1, 100, 100, 100)], {0: ("hello",)})


@pytest.mark.parametrize("rotate", [None, BLOCK])
def test_a_packets_interface_is_remembered(rotate: int | None) -> None:
    numbering = Numbering(rotate)
    told = [
        (part, interface)
        for interface in (0, 1, 1, 0)
        for part in numbering.number(batch(2), interface)
    ]
    for part, interface in told:
        assert list(numbering.by_interface(part)) == [(interface, part)]


def test_packets_of_several_interfaces_that_were_joined_are_parted_again() -> None:
    numbering = Numbering()
    for interface in (0, 1, 1, 0):
        numbering.number(batch(2), interface)
    joined = Batch(bytes(800), [(n, 100 * n, 100, 100) for n in range(8)], 1, 1, {6: ("last",)})

    parts = list(numbering.by_interface(joined))

    assert [
        (interface, part.first_packet, len(part.records), dict(part.comments))
        for interface, part in parts
    ] == [(0, 1, 2, {}), (1, 3, 4, {}), (0, 7, 2, {0: ("last",)})]
