"""Whose turn it is: how far around is looked, and when a call is passed over."""

from __future__ import annotations

import pytest

from inspector.chain.turn import Turn, Waiting
from tests.chain.made import a_call, ns


def waiting(calls: int, answered: float = 100.0) -> Waiting:
    found = Waiting()
    for place in range(calls):
        found.add(place, a_call(0, answered))
    return found


def test_a_tunnel_is_tried_with_32_calls_on_either_side_of_the_one_whose_turn_it_is() -> None:
    assert waiting(100).around(50) == list(range(18, 82))
    assert waiting(100).around(0) == list(range(32))


def test_a_call_waits_until_its_answer_began_give_or_take_a_millisecond() -> None:
    calls = waiting(1)
    calls.forget(ns(101))
    assert len(calls) == 1
    calls.forget(ns(101) + 1)
    assert len(calls) == 0


def next_after(*ill: float) -> int:
    """Whose turn it is after tunnels that cost so much in order, and nothing one call later."""
    turn, window = Turn(), list(range(len(ill) + 1))
    for place, cost in enumerate(ill):
        turn.move(window, {place: cost, place + 1: 0.0})
    return turn.next


@pytest.mark.parametrize(
    ("ill", "passes_over"),
    [
        ((1.99, 1.99, 1.99), False),  # 5.97
        ((2.01, 2.01, 2.01), True),  # 6.03
    ],
)
def test_a_call_is_passed_over_once_the_order_without_it_is_better_by_6(
    ill: tuple[float, ...], *, passes_over: bool
) -> None:
    assert next_after(*ill) == len(ill) + passes_over


@pytest.mark.parametrize(
    ("ill", "passes_over"),
    [((100.0, 2.99), False), ((100.0, 3.0, 0.1), True), ((100.0, 100.0), False)],
)
def test_one_pair_that_fits_ill_costs_3_at_most(
    ill: tuple[float, ...], *, passes_over: bool
) -> None:
    """So one call whose ends mislead does not move the turn of all that follow."""
    assert next_after(*ill) == len(ill) + passes_over
