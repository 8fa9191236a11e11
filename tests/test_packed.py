"""The archive is a sequence like any other, only smaller."""

from __future__ import annotations

import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.fact import Changing
from inspector.model.network import Endpoint
from inspector.packed import (
    _KEPT,
    BLOCK,
    LOOSE,
    Amended,
    Overheard,
    PackedList,
    Reordered,
    arranged,
    drained,
    unpackings,
)
from inspector.secret import Secret


class Row(Changing):
    number: int
    end: Endpoint
    names: tuple[str, ...] = ()


def rows(count: int) -> list[Row]:
    return [Row(n, Endpoint("172.30.0.20", n), ("a", "b")) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 7 * BLOCK + 3])
@pytest.mark.parametrize("loose", [0, 2, LOOSE])
def test_it_reads_as_the_list_of_what_was_appended(count: int, loose: int) -> None:
    items = rows(count)
    archive = PackedList(items, loose=loose)

    assert len(archive) == count
    assert list(archive) == items
    assert [archive[index] for index in range(count)] == items
    assert archive[-count:] == tuple(items)


@given(st.lists(st.integers(-1, 5 * BLOCK - 1), max_size=30))
def test_any_order_of_looks_gives_the_same_items(looks: list[int]) -> None:
    items = rows(5 * BLOCK)
    archive = PackedList(items, loose=2)

    assert [archive[look] for look in looks] == [items[look] for look in looks]


def test_an_index_beyond_its_end_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        PackedList(rows(3))[3]


def test_what_is_past_is_packed_small() -> None:
    archive = PackedList(rows(10 * BLOCK), loose=0)

    held = sum(len(block) for block in archive._blocks)

    assert held < 10 * BLOCK * 30


def test_the_first_blocks_stay_as_they_are() -> None:
    items = rows((LOOSE + 2) * BLOCK)
    archive = PackedList(items)

    assert [type(block) for block in archive._blocks] == [list] * LOOSE + [bytes] * 2
    assert archive[LOOSE * BLOCK - 1] is items[LOOSE * BLOCK - 1]
    assert archive[LOOSE * BLOCK] is not items[LOOSE * BLOCK]


def test_a_secret_is_never_packed() -> None:
    archive: PackedList[Secret] = PackedList([Secret(b"made-up")] * (BLOCK - 1), loose=0)

    with pytest.raises(TypeError, match="not serialised"):
        archive.append(Secret(b"made-up"))


def test_cleared_it_is_empty() -> None:
    archive = PackedList(rows(2 * BLOCK))
    archive.clear()

    assert list(archive) == []
    assert len(archive) == 0


def test_it_equals_any_sequence_with_the_same_items_and_shows_itself_as_one() -> None:
    items = rows(BLOCK + 1)
    archive = PackedList(items)

    assert archive == items
    assert tuple(items) == archive
    assert archive == PackedList(items)
    assert archive != items[:-1]
    assert archive != [*items[:-1], Row(-1, items[0].end)]
    assert archive != 5
    assert repr(archive) == repr(tuple(items))
    with pytest.raises(TypeError, match="unhashable"):
        hash(archive)


def test_its_records_may_be_looked_at_in_another_order() -> None:
    items = rows(2 * BLOCK)
    view = Reordered(PackedList(items), range(2 * BLOCK - 1, -1, -1))

    assert list(view) == items[::-1]
    assert (len(view), view[0], view[-1]) == (2 * BLOCK, items[-1], items[0])
    assert view[1:3] == (items[-2], items[-3])


@pytest.mark.parametrize("loose", [0, 1, LOOSE])
def test_drained_it_gives_each_record_once_and_keeps_none_that_was_taken(loose: int) -> None:
    count = 3 * BLOCK + 5
    order = [place ^ 1 if place < count - 1 else place for place in range(count)]
    archive = PackedList(rows(count), loose=loose)
    taken = drained(archive, order)

    assert [next(taken).number for _ in range(2 * BLOCK)] == order[: 2 * BLOCK]
    next(taken)
    assert [bool(block) for block in archive._blocks] == [False, False, True]
    assert [row.number for row in taken] == order[2 * BLOCK + 1 :]
    assert len(archive) == 0


@pytest.mark.parametrize("blocks", [2, LOOSE + 2 * _KEPT])
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
    count = (LOOSE + 3 * _KEPT) * BLOCK
    order = [place ^ 1 if place < count - 1 else place for place in range(count)]
    archive = PackedList(rows(count))

    assert arranged(archive, order) == (archive, order)
    assert unpackings(order) == count // BLOCK - LOOSE
    assert unpackings(()) == 0


def test_amended_records_are_changed_when_somebody_looks_and_stay_packed() -> None:
    items = list(range(BLOCK + 3))
    view = Amended(PackedList(items), lambda item: item * 10 if item % 2 else item)
    expected = [item * 10 if item % 2 else item for item in items]

    assert list(view) == expected
    assert view == expected
    assert view != items
    assert [view[place] for place in range(-len(items), len(items))] == expected * 2
    assert view[3:6] == tuple(expected[3:6])
    assert repr(view) == repr(tuple(expected))


def test_overheard_records_are_told_on_the_first_walk_and_on_no_other() -> None:
    told: list[Row] = []
    heard = Overheard(PackedList(rows(200), loose=1), told.append)

    assert (len(heard), heard[3], heard[-2:]) == (200, rows(200)[3], tuple(rows(200)[-2:]))
    assert told == []
    assert list(heard) == told == rows(200)
    assert list(heard) == told == rows(200)


def test_an_overheard_record_is_told_before_who_walks_takes_it() -> None:
    told: list[Row] = []
    for place, row in enumerate(Overheard(rows(3), told.append)):
        assert told[place:] == [row]
