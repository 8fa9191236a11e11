"""What reliable links teach of hosts and sizes, and what that makes of a pair."""

from __future__ import annotations

import pytest

from inspector.chain.rows import UNKNOWN
from inspector.chain.sizes import Learned, unlike_growth
from tests.chain.made import a_call, a_tunnel
from tests.chain.test_evidence import OTHER_SERVICE, costs


def test_a_tunnel_without_an_authority_costs_half() -> None:
    assert costs(carrier=a_tunnel(last=100, authority=None)) == 0.5


def test_a_host_that_another_service_uses_costs_3_or_half_of_that_while_its_own_is_not_known() -> (
    None
):
    learned = Learned()
    learned.learn(a_call(kind=UNKNOWN, whole=False), a_tunnel())
    mine, others = a_tunnel(last=100), a_tunnel(last=100, authority="gpt.example:443")
    stranger = a_call(service=OTHER_SERVICE)

    assert costs(a_call(), mine, learned) == 0.0
    assert costs(a_call(), others, learned) == 3.0
    assert costs(stranger, mine, learned) == 1.5
    assert costs(stranger, others, learned) == 0.0


@pytest.mark.parametrize(("more", "price"), [(0, 0.0), (1, 0.25), (4, 1.0), (12, 3.0), (99, 3.0)])
def test_a_request_that_grew_otherwise_than_its_like_costs_1_each_4_bytes_up_to_3(
    more: int, price: float
) -> None:
    learned = Learned()
    learned.learn_sizes(a_call(whole=False), a_tunnel())

    assert costs(a_call(whole=False), a_tunnel(last=100, up=1100 + more), learned) == price
    assert costs(a_call(whole=False, kind=2), a_tunnel(last=100, up=9999), learned) == 0.0


@pytest.mark.parametrize(("more", "price"), [(0, 0.0), (8, 0.25), (32, 1.0), (96, 3.0), (999, 3.0)])
def test_an_answer_that_grew_otherwise_costs_1_each_32_bytes_up_to_3(
    more: int, price: float
) -> None:
    learned = Learned()
    learned.learn_sizes(a_call(kind=UNKNOWN), a_tunnel())
    asked = a_call(kind=UNKNOWN)

    assert costs(asked, a_tunnel(last=100, down=4000 + more), learned) == price
    other = asked._replace(status=500)
    assert costs(other, a_tunnel(last=100, down=9999), learned) == 0.0


def test_a_growth_is_told_from_the_nearest_of_the_last_four() -> None:
    learned = Learned()
    for more in (0, 100, 200, 300, 400):
        learned.learn_sizes(a_call(whole=False), a_tunnel(up=1100 + more))

    def price(more: int) -> float:
        return learned.up_cost(a_call(), a_tunnel(up=1100 + more))

    assert [price(more) for more in (100, 200, 300, 400)] == [0.0, 0.0, 0.0, 0.0]
    assert price(0) == 3.0


@pytest.mark.parametrize(
    ("up", "down", "price"),
    [(0, 0, 0), (2, 0, 0), (3, 0, 0.25), (14, 0, 3), (99, 0, 3), (0, 16, 0.5), (0, 999, 3)],
)
def test_two_alike_calls_that_grew_unlike_cost_as_much_but_for_two_bytes_of_chance(
    up: int, down: int, price: float
) -> None:
    one = a_call(), a_tunnel()
    other = a_call(), a_tunnel(up=1100 + up, down=4000 + down)
    assert unlike_growth(one, other) == price
    elsewhere = other[0], other[1]._replace(authority="gpt.example:443")
    assert unlike_growth(one, elsewhere) == 0.0


# -- votes -----------------------------------------------------------------------------


def test_growths_of_two_calls_are_held_together_by_what_no_lost_packet_changes() -> None:
    """Two records of the second were not seen, which makes its payload 44 bytes longer."""
    one = a_call(whole=False), a_tunnel(span=1400, up=1100)

    assert unlike_growth(one, (a_call(whole=False), a_tunnel(span=1400, up=1144))) == 0.0
    assert unlike_growth(one, (a_call(whole=False), a_tunnel(span=1408, up=1100))) == 1.5
    assert unlike_growth(one, (a_call(whole=False), a_tunnel(span=1422))) == 0.0
    assert unlike_growth(one, (a_call(whole=False), a_tunnel(span=1428))) == 1.0


def voted(agree: int, calls: int) -> Learned:
    """What is learned of `calls` calls of which `agree` grew by the same number of bytes."""
    learned = Learned()
    pairs = [
        (
            a_call(position=place, whole=False),
            a_tunnel(up=1100 + (0 if place < agree else 1000 * place)),
        )
        for place in range(calls)
    ]
    learned.vote(pairs)
    return learned


@pytest.mark.parametrize(
    ("agree", "calls", "is_learned"),
    [(5, 5, True), (4, 4, False), (6, 12, True), (5, 12, False)],
    ids=["five", "four", "half-of-twelve", "less-than-half"],
)
def test_a_growth_is_learned_of_five_votes_that_are_half_of_the_calls(
    agree: int, calls: int, *, is_learned: bool
) -> None:
    price = voted(agree, calls).up_cost(a_call(), a_tunnel(up=1108))
    assert price == (2.0 if is_learned else 0.0)


def test_answers_that_grew_alike_within_16_bytes_vote_together() -> None:
    def learned(step: int) -> float:
        found = Learned()
        found.vote(
            (a_call(position=place, kind=UNKNOWN), a_tunnel(down=300 + 16 * 200 + place * step))
            for place in range(5)
        )
        return found.size_cost(a_call(kind=UNKNOWN), a_tunnel(down=300 + 16 * 200 + 8 + 32))

    assert learned(3) == 1.0
    assert learned(4) == 0.0


def grown(*amounts: int, calls: int = 12, sizes: int = 12) -> Learned:
    """Votes of calls of so many sizes, which grow by these amounts; all tunnels may be theirs."""
    found = Learned()
    ups = [1000 + 3 * 2 ** (place % sizes) for place in range(calls)]  # no two differ alike
    pairs = [
        (a_call(position=place, up=up), a_tunnel(span=other + amount))
        for place, up in enumerate(ups)
        for other in ups[:12]
        for amount in amounts
    ]
    found.vote(pairs, are_tried_again=True)
    return found


def test_a_growth_that_no_lost_packet_changes_goes_before_what_was_counted() -> None:
    found = grown(400)

    # Two of the tunnel's records were not seen: its payload seems 44 bytes longer.
    for up in (1400, 1444):
        assert found.up_cost(a_call(up=1000), a_tunnel(up=up, span=1400)) == 0.0
    assert found.up_cost(a_call(up=1000), a_tunnel(up=1400, span=1408)) == 2.0


@pytest.mark.parametrize(
    ("up", "beside", "is_usual"),
    [
        (1000, 0, True),
        (1000, 22, False),
        # 300 bytes of head, and 100 that are written into it: a record is full at 15,984
        (15_783, 22, False),
        (15_784, 22, True),
        (15_784, -22, True),
        (15_784, 44, False),
        (15_983, 0, True),
        (15_984, 22, True),
        (16_184, 0, True),
        (16_184, 22, True),
        (16_185, 22, True),
        (16_185, 0, False),
        (16_185, 44, False),
    ],
)
def test_a_request_has_as_many_records_as_it_fills_give_or_take_one_where_the_last_is_full(
    up: int, beside: int, *, is_usual: bool
) -> None:
    call = a_call(up=up, headers_up=300)

    assert grown(400).grew_as_usual(call, a_tunnel(span=up + 400 + beside)) is is_usual


@pytest.mark.parametrize(
    ("beside", "price"), [(0, 0.0), (22, 0.0), (-22, 0.0), (24, 0.5), (26, 1.0), (44, 3.0)]
)
def test_a_record_more_or_less_than_a_request_fills_costs_nothing(
    beside: int, price: float
) -> None:
    """A longer head, with a token of two kilobytes, fills records otherwise."""
    call, carrier = a_call(up=1000), a_tunnel(span=1400 + beside)

    assert grown(400).up_cost(call, carrier) == price
    assert grown(400).is_stranger(call, carrier) is (price > 0.5)


def test_the_digits_of_its_length_are_no_growth_of_a_request() -> None:
    found = Learned()
    found.learn_sizes(a_call(up=1000, digits_up=4, whole=False), a_tunnel(span=1404))

    assert found.grew_as_usual(a_call(up=999, digits_up=3), a_tunnel(span=1402))
    assert found.up_cost(a_call(up=999, digits_up=3), a_tunnel(span=1405)) == 0.75


def test_the_spans_that_a_request_would_have_are_told_from_all_its_growths() -> None:
    found = Learned()
    for span in (1400, 1361):
        found.learn_sizes(a_call(up=1000, whole=False), a_tunnel(span=span))

    assert sorted(found.spans_of(a_call(up=2000), "llm.example:443")) == [2361, 2400]
    assert found.spans_of(a_call(up=2000), "other.example:443") == ()
    big = a_call(up=40_000, headers_up=300)
    assert sorted(found.spans_of(big, "llm.example:443")) == [40_405, 40_444]


def test_what_a_few_pairs_have_by_chance_is_no_second_growth() -> None:
    """Of nine calls that are tried again each has two; any growth is seen of some pair."""
    found = grown(400, 361, calls=9, sizes=9)

    assert found.spans_of(a_call(up=0), "llm.example:443") == (400, 361)


def test_calls_that_are_tried_again_without_a_field_grow_by_two_amounts() -> None:
    found = grown(400, 359)

    for span in (1400, 1359):
        assert found.grew_as_usual(a_call(up=1000), a_tunnel(span=span))
    assert found.is_stranger(a_call(up=1000), a_tunnel(span=1800))


def test_the_difference_of_two_sizes_is_no_second_growth() -> None:
    found = grown(400, sizes=6)  # 2 calls of each size, 4 tunnels

    assert found.grew_as_usual(a_call(up=1000), a_tunnel(span=1400))
    assert found.is_stranger(a_call(up=1000), a_tunnel(span=1400 + 48))


def test_who_is_of_unknown_size_is_no_stranger() -> None:
    found = grown(400)

    assert not found.is_stranger(a_call(up=1000), a_tunnel())
    assert not found.is_stranger(a_call(up=1000, kind=UNKNOWN), a_tunnel(span=5000))
    assert not Learned().is_stranger(a_call(up=1000), a_tunnel(span=5000))


def test_an_answer_of_the_api_proxys_own_has_no_size_in_common_with_its_tunnel() -> None:
    """Envoy's 503 behind two handshakes, a whole one and a resumed one; golden envoy-reset."""
    own = a_call(voice="api-proxy", status=503)
    learned = Learned()
    learned.learn_sizes(own, a_tunnel())

    assert learned.size_cost(own, a_tunnel(down=1000)) == 0.0
    assert unlike_growth((own, a_tunnel()), (own, a_tunnel(down=1000))) == 0.0
    passed_on = own._replace(voice="relayed")
    assert unlike_growth((passed_on, a_tunnel()), (passed_on, a_tunnel(down=1000))) > 0.0
