"""Extents as numbers are a list of extents; what is cut off a row of them is as long as asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.extent import Extent, Extents

sizes = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=6)


def extents(gaps_and_sizes: list[tuple[int, int]]) -> Extents:
    """Extents one behind another, of such sizes and with such gaps before them."""
    made, end = Extents(), 10
    for gap, size in gaps_and_sizes:
        made.add(end + gap, end + gap + size)
        end += gap + size
    return made


def covered(found: Extents) -> list[int]:
    return [at for start, stop in found for at in range(start, stop)]


@given(sizes, st.integers(-7, 7), st.integers(-7, 7))
def test_packed_extents_are_a_list_of_extents(
    drawn: list[tuple[int, int]], start: int, stop: int
) -> None:
    packed = extents(drawn)
    rows = [Extent(*pair) for pair in packed.pairs()]

    assert packed == rows
    assert len(packed) == len(rows)
    assert packed[start:stop] == rows[start:stop]
    assert [packed[at] for at in range(-len(rows), len(rows))] == rows * 2
    for beyond in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError):
            packed[beyond]
    with pytest.raises(ValueError, match="consecutive"):
        packed[::2]


@given(sizes, sizes)
def test_a_row_of_extents_is_joined_to_one(
    first: list[tuple[int, int]], then: list[tuple[int, int]]
) -> None:
    drawn = first + then
    whole, joined = extents(drawn), Extents()
    joined.join(whole[: len(first)])
    joined.join(whole[len(first) :])

    assert covered(joined) == covered(whole)
    rows = [any(gap for gap, _ in part[1:]) for part in (first, then)]
    parts = [
        len(part) if is_apart else 1 for part, is_apart in zip((first, then), rows, strict=True)
    ]
    assert len(joined) == sum(parts) - (then[0][0] == 0)


@given(sizes, st.data())
def test_of_a_row_of_extents_the_first_bytes_are_taken(
    drawn: list[tuple[int, int]], data: st.DataObject
) -> None:
    packed = extents(drawn)
    bytes_of_all = covered(packed)
    size = data.draw(st.integers(0, len(bytes_of_all)))
    taken = packed.take(size)

    assert covered(taken) == bytes_of_all[:size]
    assert covered(packed) == bytes_of_all[size:]
    assert all(extent.size for extent in (*taken, *packed))
