"""What an explanation of a cluster weighs: who may go without, who is moved, who is exchanged."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from inspector.chain.explanation import Explanation
from inspector.chain.link import Link
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.sizes import Learned
from tests.chain.made import a_call, a_tunnel, ns

OTHERS = "gpt.example:443"


def links(
    calls: Sequence[CallRow],
    tunnels: Sequence[Carrier],
    learned: Learned | None = None,
    *,
    is_lossy: bool = False,
) -> dict[int, Link]:
    learned = learned or Learned()
    return Explanation(calls, tunnels, lambda call: True, learned, is_lossy).links()


def given(
    calls: Sequence[CallRow], tunnels: Sequence[Carrier], *, is_lossy: bool = False
) -> dict[int, int]:
    return {call: link.carrier for call, link in links(calls, tunnels, is_lossy=is_lossy).items()}


# -- a pair, or both alone ---------------------------------------------------------------
#
# A tunnel that is nobody's costs 3.  Together with what its call costs alone that is the most a
# pair may cost.  All tunnels here are opened 220 ms after the request, which costs 2.


def knowing() -> Learned:
    """That the service's tunnels go to another host (3), and how requests grow on their way."""
    learned = Learned()
    learned.learn(a_call(kind=UNKNOWN, whole=False), a_tunnel())
    learned.learn_sizes(a_call(whole=False), a_tunnel(authority=OTHERS))
    return learned


@pytest.mark.parametrize(("last", "linked"), [(1024.5, True), (1025, False)])
def test_a_call_that_the_api_proxy_answered_itself_costs_2_alone(
    last: float, *, linked: bool
) -> None:
    call = a_call(0, 1000, voice="api-proxy", status=502)
    tunnel = a_tunnel(220, last, failed=True, authority=None)  # 2 + 0.5 + the ends
    assert bool(links([call], [tunnel])) is linked


@pytest.mark.parametrize(("last", "linked"), [(1019.5, True), (1020, False)])
def test_a_call_without_an_answer_costs_4_alone(last: float, *, linked: bool) -> None:
    call = a_call(0, UNKNOWN, voice="none", whole=False, closed=ns(1000), kind=UNKNOWN)
    tunnel = a_tunnel(220, last, authority=OTHERS)  # 2 + 3 + the ends
    assert bool(links([call], [tunnel], knowing())) is linked


@pytest.mark.parametrize(("last", "linked"), [(1030, True), (1030.5, False)])
def test_a_call_whose_answer_was_passed_on_costs_12_alone(last: float, *, linked: bool) -> None:
    learned = knowing()
    learned.learn_sizes(a_call(), a_tunnel(authority=OTHERS))
    call = a_call(0, 1000, down=5000)
    # 2 + 3 + 3 for too little + 3 for another growth of it + 1 for 4 bytes more + the ends
    tunnel = a_tunnel(220, last, authority=OTHERS, up=1104)
    assert bool(links([call], [tunnel], learned)) is linked


@pytest.mark.parametrize(("last", "linked"), [(1029.5, True), (1030, False)])
def test_where_packets_are_missing_no_call_costs_more_than_5_alone(
    last: float, *, linked: bool
) -> None:
    call, tunnel = a_call(0, 1000, kind=UNKNOWN), a_tunnel(220, last, authority=OTHERS)
    assert bool(links([call], [tunnel], knowing(), is_lossy=True)) is linked
    assert links([call], [tunnel], knowing())


# -- out of order ------------------------------------------------------------------------


def test_only_a_call_that_surely_had_a_tunnel_gets_one_out_of_order() -> None:
    """The second call's tunnel was opened first, 2 ms after both requests had come in order."""
    calls = [a_call(0, 100), a_call(2, 10)]
    tunnels = [a_tunnel(5, 9), a_tunnel(12, 99)]
    silent = a_call(0, UNKNOWN, voice="none", whole=False, closed=ns(100))

    assert given(calls, tunnels) == {0: 1, 1: 0}
    assert given([silent, calls[1]], tunnels) == {1: 0}
    assert len(given(calls, tunnels, is_lossy=True)) == 1


def swapped(places: int) -> tuple[list[CallRow], list[Carrier]]:
    """Calls of one turn whose first and last have each other's tunnels, by all ends."""
    calls = [a_call(0, 300 + 50 * place) for place in range(places + 1)]
    tunnels = [a_tunnel(5 + place, 300 + 50 * place) for place in range(places + 1)]
    first, last = tunnels[0], tunnels[-1]
    tunnels[0] = first._replace(last=last.last, closed=last.closed)
    tunnels[-1] = last._replace(last=first.last, closed=first.closed)
    return calls, tunnels


@pytest.mark.parametrize(("places", "exchanged"), [(1, True), (3, True), (4, True), (5, False)])
def test_calls_up_to_four_places_apart_are_tried_in_each_others_place(
    places: int, *, exchanged: bool
) -> None:
    found = given(*swapped(places))
    assert (found[0] == places and found[places] == 0) is exchanged


@pytest.mark.parametrize(("apart", "is_close"), [(0.5, True), (0.6, False)])
def test_calls_within_half_a_millisecond_may_have_each_others_tunnel(
    apart: float, *, is_close: bool
) -> None:
    """Then its margin is the 10 ms between the ends, less a patience of 0.2 ms."""
    calls = [a_call(0, 300), a_call(apart, 310, up=500)]
    tunnels = [a_tunnel(5, 300, up=400), a_tunnel(6, 310)]
    found = links(calls, tunnels)

    assert {call: link.carrier for call, link in found.items()} == {0: 0, 1: 1}
    assert (found[0].margin == pytest.approx(0.98)) is is_close


# -- told by size -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("others", "last", "is_told"),
    [((3000,), 99, True), ((1000,), 99, False), ((3000,), 50, False)],
    ids=["of-its-own", "another-is-as-long", "over-before"],
)
def test_a_size_that_no_other_call_near_has_tells_the_call_that_a_tunnel_answered(
    others: tuple[int, ...], last: float, *, is_told: bool
) -> None:
    learned = Learned()
    learned.learn_sizes(a_call(up=1000, whole=False), a_tunnel(span=1500))
    calls = [a_call(up=1000), *(a_call(1, up=up) for up in others)]
    tunnels = [a_tunnel(5, last, span=1500), *(a_tunnel(6, span=up + 500) for up in others)]

    assert links(calls, tunnels, learned, is_lossy=True)[0].is_told_by_size is is_told


# -- many --------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "votes"), [(7, False), (8, True)])
def test_from_eight_tunnels_on_the_sizes_of_all_are_looked_at_first(
    number: int, *, votes: bool
) -> None:
    learned = Learned()
    calls = [a_call(0, 900, position=place) for place in range(number)]
    links(calls, [a_tunnel(5, 900) for _ in range(number)], learned)
    assert (learned.up_cost(a_call(), a_tunnel(up=9999)) > 0) is votes


@pytest.mark.parametrize(("far", "ends_tell"), [(3, True), (4, False)])
def test_ends_are_not_believed_where_more_than_a_quarter_of_them_are_far_apart(
    far: int, *, ends_tell: bool
) -> None:
    """By their ends the last two of twelve streams have each other's tunnel; by order they do not.

    `far` of the others end 30 ms after their answers, more than twelve calls in flight account for.
    """
    ends = [500.0 + 500 * place for place in range(12)]
    calls = [a_call(0, 100, end) for end in ends]
    lasts = [end + 30 * (place < far) for place, end in enumerate(ends)]
    lasts[10], lasts[11] = lasts[11], lasts[10]

    found = given(calls, [a_tunnel(5 + place, last) for place, last in enumerate(lasts)])

    assert (found[10], found[11]) == ((11, 10) if ends_tell else (10, 11))


# -- a queue -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("waits", "queued"),
    [
        ([2000] * 10, True),
        ([1000, 2000] * 5, True),
        ([5] * 9 + [2000], False),
        ([2000] * 4, False),  # too few to tell
    ],
)
def test_a_tunnel_is_late_alone_or_as_late_as_its_neighbours(
    waits: list[float], *, queued: bool
) -> None:
    """The API proxy is one thread: with many calls at once all tunnels come late."""
    calls = [a_call(place * 10_000, place * 10_000 + 4000) for place in range(len(waits))]
    tunnels = [
        a_tunnel(place * 10_000 + wait, place * 10_000 + 4000) for place, wait in enumerate(waits)
    ]

    found = links(calls, tunnels)

    assert found[len(waits) - 1].is_queued is queued
