"""Which tunnels were a call's earlier attempts: by when they were over, or by their size."""

from __future__ import annotations

import pytest

from inspector.chain.explanation import Explanation
from inspector.chain.sizes import Learned
from tests.chain.made import a_call, a_tunnel
from tests.chain.test_explanation import given, links


@pytest.mark.parametrize(("pause", "is_next"), [(50, True), (51, False)])
def test_a_tunnel_opened_within_50_ms_of_a_calls_own_being_over_is_its_next_attempt(
    pause: float, *, is_next: bool
) -> None:
    calls = [a_call(0, 500), a_call(1, 400)]
    tunnels = [a_tunnel(5, 50), a_tunnel(6, 400), a_tunnel(50 + pause, 500)]
    assert given(calls, tunnels) == {0: 2 if is_next else 0, 1: 1}


@pytest.mark.parametrize(
    ("late", "span", "is_next"), [(99, 1460, True), (101, 1460, False), (99, 1600, False)]
)
def test_the_next_attempt_of_the_calls_size_may_be_opened_before_the_one_before_it_is_closed(
    late: float, span: int, *, is_next: bool
) -> None:
    learned = Learned()
    for again in (1500, 1460):
        learned.learn_sizes(a_call(up=1000, whole=False), a_tunnel(span=again))
    calls = [a_call(0, 500, up=1000), a_call(1, 400, up=3000)]
    tunnels = [
        a_tunnel(5, 60 + late, span=1500),
        a_tunnel(6, 400, span=3500),
        a_tunnel(60, 500, span=span),
    ]
    found = links(calls, tunnels, learned)
    assert found[0].carrier == (2 if is_next else 0)


@pytest.mark.parametrize(
    ("span", "over", "is_attempt"),
    [
        (1500, 60, True),
        (1502, 60, True),  # with one digit more in a length
        (1503, 60, False),
        (1500, 220, True),  # closed late by a busy API proxy
        (1500, 221, False),  # it went on beside the call's own
    ],
)
def test_a_tunnel_that_is_nobodys_is_an_earlier_attempt_of_the_only_call_of_its_size(
    span: int, over: float, *, is_attempt: bool
) -> None:
    learned = Learned()
    for again in (1500, 1460):
        learned.learn_sizes(a_call(up=1000, whole=False), a_tunnel(span=again))
    calls = [a_call(0, 400, up=3000), a_call(1, 500, up=1000)]
    tunnels = [
        a_tunnel(5, 400, span=3500),
        a_tunnel(6, over, span=span),
        a_tunnel(120, 500, span=1460),
    ]
    explanation = Explanation(calls, tunnels, lambda call: True, learned, is_lossy=False)
    explanation.links()

    assert (explanation.earlier == {1: [1]}) is is_attempt


def test_a_tunnel_of_the_size_of_two_calls_is_an_attempt_of_neither() -> None:
    learned = Learned()
    for again in (1500, 1460):
        learned.learn_sizes(a_call(up=1000, whole=False), a_tunnel(span=again))
    calls = [a_call(place, 400 + 50 * place, up=1000) for place in range(2)]
    tunnels = [a_tunnel(100 + place, 400 + 50 * place, span=1460) for place in range(2)]
    explanation = Explanation(
        calls, [a_tunnel(5, 60, span=1500), *tunnels], lambda call: True, learned, is_lossy=False
    )

    assert {call: link.carrier for call, link in explanation.links().items()} == {0: 1, 1: 2}
    assert explanation.earlier == {}


@pytest.mark.parametrize(
    ("pause", "span", "is_next"), [(2500, 1460, True), (2501, 1460, False), (2500, 1600, False)]
)
def test_the_next_attempt_of_the_calls_size_may_be_made_after_seconds(
    pause: float, span: int, *, is_next: bool
) -> None:
    """The API proxy asks Copilot again after 1 s, and once more after 2 s."""
    learned = Learned()
    for again in (1500, 1460):
        learned.learn_sizes(a_call(up=1000, whole=False), a_tunnel(span=again))
    calls = [a_call(0, 5000, up=1000), a_call(1, 400, up=3000)]
    tunnels = [
        a_tunnel(5, 60, span=1500),
        a_tunnel(6, 400, span=3500),
        a_tunnel(60 + pause, 5000, span=span),
    ]
    assert links(calls, tunnels, learned)[0].carrier == (2 if is_next else 0)


@pytest.mark.parametrize("span", [-1, 1500])
def test_an_earlier_attempt_of_the_call_itself_is_no_rival_of_its_tunnel(span: int) -> None:
    """One call alone that is tried again: the next tunnel is opened 300 ms later for a reason."""
    link = links([a_call(0, 702)], [a_tunnel(5, 300, span=span), a_tunnel(301, 700)])[0]

    assert (link.carrier, link.margin) == (1, float("inf"))


@pytest.mark.parametrize(("over", "carrier"), [(39, 0), (38, 2)])
def test_a_call_moves_on_only_where_that_explains_more_than_an_attempt_costs(
    over: float, carrier: int
) -> None:
    """Its own tunnel ended 21 or 22 ms before the answer: 1.96 or 2.06 more than the next."""
    calls = [a_call(0, 60), a_call(1, 200)]
    tunnels = [a_tunnel(5, over), a_tunnel(6, 200), a_tunnel(38, 60)]

    assert given(calls, tunnels)[0] == carrier
