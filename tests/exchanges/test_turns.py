"""What a tunnel's sides say in turn: one request after another, told in any order."""

from __future__ import annotations

import random
from array import array

import pytest

from inspector.exchanges import turns as turns_module
from inspector.exchanges.turns import REQUEST_BYTES, TURN_LIMIT, TunnelTurn, Turns, pauses
from inspector.native.used import USED
from inspector.wire import Segments
from tests.flows.build import native_core

MS = 1_000_000

#: Direction, time in ms, bytes: a handshake, two calls, and the end.
TALK = (
    (True, 0.0, 300), (False, 1.0, 1200), (True, 2.0, 64), (True, 2.05, 400), (False, 5.0, 900),
    (False, 40.0, 800), (True, 100.0, 450), (False, 103.0, 700), (True, 120.0, 24),
)  # fmt: skip


def ns(ms: float) -> int:
    return round(ms * MS)


def told(order: list[tuple[bool, float, int]]) -> tuple[TunnelTurn, ...]:
    turns = Turns()
    for up, at, count in order:
        turns.receive(up, [(ns(at), 1, b"x" * count)])
    return turns.turns()


EXPECTED = (
    TunnelTurn(ns(0), ns(0), 300, ns(1), ns(1), 1200),
    TunnelTurn(ns(2), ns(2.05), 464, ns(5), ns(40), 1700),
    TunnelTurn(ns(100), ns(100), 474, ns(103), ns(103), 700),
)


def test_each_request_with_what_came_back_is_a_turn() -> None:
    assert told(list(TALK)) == EXPECTED


@pytest.mark.parametrize("seed", range(5))
def test_batches_of_the_two_directions_in_any_order_are_the_same_turns(seed: int) -> None:
    """Each direction is in order; how they are interleaved depends on the batches."""
    chance = random.Random(seed)
    ups = [item for item in TALK if item[0]]
    downs = [item for item in TALK if not item[0]]
    order = []
    while ups or downs:
        order.append((ups if ups and (not downs or chance.random() < 0.5) else downs).pop(0))

    assert told(order) == EXPECTED


@pytest.mark.parametrize(("count", "turns"), [(REQUEST_BYTES - 1, 1), (REQUEST_BYTES, 2)])
def test_what_is_too_little_for_a_request_begins_no_turn(count: int, turns: int) -> None:
    assert len(told([(True, 0, 300), (False, 1, 900), (True, 50, count)])) == turns


def test_bytes_that_passed_unseen_count_as_seen_ones() -> None:
    turns = Turns()
    turns.passed(True, 300, ns(0))
    turns.passed(False, 90_000, ns(9))

    assert turns.turns() == (TunnelTurn(ns(0), ns(0), 300, ns(9), ns(9), 90_000),)


def test_no_more_bursts_are_kept_than_the_limit() -> None:
    turns = Turns()
    for number in range(TURN_LIMIT + 50):
        turns.receive(True, [(ns(number * 10), 1, b"x" * 300)])
        turns.receive(False, [(ns(number * 10 + 5), 1, b"x" * 300)])

    assert len(turns.turns()) == TURN_LIMIT


def test_pauses_are_what_came_back_in_each_turn() -> None:
    assert pauses(EXPECTED) == ((ns(1), ns(1)), (ns(5), ns(40)), (ns(103), ns(103)))


@pytest.mark.parametrize("limit", [3, TURN_LIMIT])
@pytest.mark.parametrize("seed", range(20))
def test_the_compiled_core_finds_the_same_bursts(
    seed: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns_module, "TURN_LIMIT", limit)
    monkeypatch.setattr(USED, "core", native_core())
    chance, at = random.Random(seed), 0
    compiled, pure = Turns(), Turns()
    for _ in range(chance.randrange(1, 9)):
        places = array("q")
        for _ in range(chance.randrange(9)):
            at += chance.choice((0, 10, 199_999, 200_000, ns(1), -10, -ns(1)))
            start = chance.randrange(50)
            places.extend((at, 1, start, start + chance.choice((0, 1, 100))))
        segments = Segments(b"x" * 150, places)
        for up in (True, False):
            compiled.receive(up, segments)
            pure.receive(up, list(segments))
        assert compiled.turns() == pure.turns()
