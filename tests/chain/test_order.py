"""Tunnels in the order of calls: what it costs to leave the order, and how far one looks."""

from __future__ import annotations

import pytest

from inspector.chain.order import align, apart, disorder
from tests.chain.made import a_call, a_tunnel, ns


@pytest.mark.parametrize(
    ("apart_ms", "price"), [(0, 0.2), (0.1, 1.2), (0.8, 8.2), (1.17, 11.9), (1.19, 12.0), (9, 12.0)]
)
def test_a_wrong_order_costs_a_fifth_and_1_each_tenth_of_a_millisecond_up_to_12(
    apart_ms: float, price: float
) -> None:
    assert disorder(a_call(10), a_call(10 + apart_ms)) == pytest.approx(price)


def test_a_request_that_began_before_the_other_was_whole_came_meanwhile() -> None:
    assert apart(a_call(10), a_call(12)._replace(asked=ns(9))) == 0
    assert apart(a_call(10), a_call(12)._replace(asked=ns(11))) == ns(1)
    assert apart(a_call(10), a_call(12)._replace(asked=-1)) == ns(2)


def given(fits: set[tuple[int, int]], calls: int, tunnels: int) -> dict[int, int]:
    """Each call's tunnel where only these pairs (call, tunnel) fit; all came at once."""

    def price(call: int, carrier: int, crowd: int) -> float | None:
        return 0.0 if (call, carrier) in fits else None

    return align(
        [a_call() for _ in range(calls)],
        [a_tunnel(5 + place) for place in range(tunnels)],
        price,
        [12.0] * calls,
        3.0,
        lambda call: True,
    ).carrier_of


def test_the_nth_tunnel_is_the_nth_calls() -> None:
    assert given({(0, 0), (0, 1), (1, 0), (1, 1)}, 2, 2) == {0: 0, 1: 1}


def test_neighbouring_tunnels_may_cross_for_calls_two_places_apart_and_not_three() -> None:
    assert given({(1, 0), (0, 1)}, 2, 2) == {1: 0, 0: 1}
    assert given({(2, 0), (0, 1)}, 3, 2) == {2: 0, 0: 1}
    assert len(given({(3, 0), (0, 1)}, 4, 2)) == 1


def test_a_call_is_left_alone_rather_than_given_a_tunnel_that_costs_as_much() -> None:
    """Alone call and tunnel cost 12 and 3: a pair must cost less than 15."""

    def linked(price: float) -> bool:
        order = align([a_call()], [a_tunnel()], lambda *_: price, [12.0], 3.0, lambda call: True)
        return bool(order.carrier_of)

    assert linked(14.99)
    assert not linked(15.0)


def test_tunnels_of_another_size_are_nobodys_turn() -> None:
    """Between the tunnels of 100 calls stand as many of strangers."""

    def chain(*, told: bool) -> dict[int, int]:
        def price(call: int, carrier: int, crowd: int) -> float | None:
            return 2.0 if carrier == 2 * call else 3.5

        calls, tunnels = [a_call() for _ in range(100)], [a_tunnel(5) for _ in range(200)]
        strangers = (lambda call, carrier: carrier != 2 * call) if told else None
        more = () if strangers is None else (strangers,)
        return align(calls, tunnels, price, [12.0] * 100, 3.0, lambda call: True, *more).carrier_of

    assert chain(told=True) == {call: 2 * call for call in range(100)}
    assert chain(told=False) != chain(told=True)
