"""The archive is a sequence like any other, only smaller."""

from __future__ import annotations

import pickle
import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.network import Endpoint
from inspector.packed import _KEPT, BLOCK, LazyView, PackedList, arranged, unpackings
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
    archive = PackedList(items)

    assert len(archive) == count
    assert list(archive) == items
    assert [archive[index] for index in range(count)] == items
    assert archive[-count:] == tuple(items)


@given(st.lists(st.integers(-1, 5 * BLOCK - 1), max_size=30))
def test_any_order_of_looks_gives_the_same_items(looks: list[int]) -> None:
    items = rows(5 * BLOCK)
    archive = PackedList(items)

    assert [archive[look] for look in looks] == [items[look] for look in looks]


def test_an_index_beyond_its_end_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        PackedList(rows(3))[3]


def test_what_is_past_is_packed_small() -> None:
    archive = PackedList(rows(10 * BLOCK))

    held = sum(len(block) for block in archive._blocks)

    assert held < 10 * BLOCK * 30


def test_a_secret_is_never_packed() -> None:
    archive: PackedList[Secret] = PackedList([Secret(b"made-up")] * (BLOCK - 1))

    with pytest.raises(TypeError, match="not serialised"):
        archive.append(Secret(b"made-up"))


def test_cleared_it_is_empty() -> None:
    archive = PackedList(rows(2 * BLOCK))
    archive.clear()

    assert list(archive) == []
    assert len(archive) == 0


def test_a_view_has_its_own_order_and_makes_items_on_the_way() -> None:
    archive = PackedList(rows(2 * BLOCK))
    view = LazyView(archive, range(2 * BLOCK - 1, -1, -1), lambda row: row.number)

    assert view == tuple(range(2 * BLOCK - 1, -1, -1))
    assert view[0] == 2 * BLOCK - 1
    assert view[1:3] == (2 * BLOCK - 2, 2 * BLOCK - 3)
    assert view != (1, 2)
    assert len(pickle.dumps(tuple(view))) > 0


@pytest.mark.parametrize("blocks", [2, 2 * _KEPT])
def test_what_ended_in_another_order_is_unpacked_a_few_times_and_not_once_a_look(
    blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = blocks * BLOCK + 7
    order = list(range(count))
    random.Random(1).shuffle(order)
    archive = PackedList(rows(count))
    unpacked = 0

    def counting(data: bytes) -> object:
        nonlocal unpacked
        unpacked += 1
        return pickle.loads(data)

    monkeypatch.setattr("inspector.packed.unpack", counting)
    found, places = arranged(archive, order)
    for _ in range(3):
        assert [found[place].number for place in places] == order

    assert unpacked <= 6 * blocks


def test_what_ended_nearly_as_it_began_is_left_as_it_is() -> None:
    count = 3 * _KEPT * BLOCK
    order = [place ^ 1 if place < count - 1 else place for place in range(count)]
    archive = PackedList(rows(count))

    assert arranged(archive, order) == (archive, order)
    assert unpackings(order) == count // BLOCK
    assert unpackings(()) == 0
