"""The archive is a sequence like any other, only smaller."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.archive import BLOCK, Archive, View
from inspector.facts import Endpoint
from inspector.secret import Secret


@dataclass(slots=True)
class Row:
    number: int
    end: Endpoint
    names: tuple[str, ...] = ()


def rows(count: int) -> list[Row]:
    return [Row(n, Endpoint("172.30.0.20", n), ("a", "b")) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 7 * BLOCK + 3])
def test_it_reads_as_the_list_of_what_was_appended(count: int) -> None:
    items = rows(count)
    archive = Archive(items)

    assert len(archive) == count
    assert list(archive) == items
    assert [archive[index] for index in range(count)] == items
    assert archive[-count:] == tuple(items)


@given(st.lists(st.integers(-1, 5 * BLOCK - 1), max_size=30))
def test_any_order_of_looks_gives_the_same_items(looks: list[int]) -> None:
    items = rows(5 * BLOCK)
    archive = Archive(items)

    assert [archive[look] for look in looks] == [items[look] for look in looks]


def test_an_index_beyond_its_end_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        Archive(rows(3))[3]


def test_what_is_past_is_packed_small() -> None:
    archive = Archive(rows(10 * BLOCK))

    held = sum(len(block) for block in archive._blocks)

    assert held < 10 * BLOCK * 30


def test_a_secret_is_never_packed() -> None:
    archive: Archive[Secret] = Archive([Secret(b"made-up")] * (BLOCK - 1))

    with pytest.raises(TypeError, match="not serialised"):
        archive.append(Secret(b"made-up"))


def test_cleared_it_is_empty() -> None:
    archive = Archive(rows(2 * BLOCK))
    archive.clear()

    assert list(archive) == []
    assert len(archive) == 0


def test_a_view_has_its_own_order_and_makes_items_on_the_way() -> None:
    archive = Archive(rows(2 * BLOCK))
    view = View(archive, range(2 * BLOCK - 1, -1, -1), lambda row: row.number)

    assert view == tuple(range(2 * BLOCK - 1, -1, -1))
    assert view[0] == 2 * BLOCK - 1
    assert view[1:3] == (2 * BLOCK - 2, 2 * BLOCK - 3)
    assert view != (1, 2)
    assert len(pickle.dumps(tuple(view))) > 0
