"""What a pair of a call and a tunnel costs: each weight from either side.

Costs are compared with each other, never shown.  1 is an answer that lags 10 ms behind its
tunnel; every number below is a multiple of that.
"""

from __future__ import annotations

import pytest

from inspector.chain.evidence import (
    attempt_cost,
    cost,
    is_silent,
    lag,
    may_answer,
    may_belong,
    patience,
    was_hung_up,
)
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.chain.sizes import Learned
from tests.chain.made import MS, SERVICE, a_call, a_tunnel, ns

OTHER_SERVICE = (SERVICE[0], 20002)


def costs(
    call: CallRow | None = None,
    carrier: Carrier | None = None,
    learned: Learned | None = None,
    *,
    busy: int = UNKNOWN,
    patient: int = 0,
) -> float:
    call, carrier = call or a_call(), carrier or a_tunnel()
    return round(cost(call, carrier, learned or Learned(), busy, patient), 6)


# -- times ---------------------------------------------------------------------------


def test_a_tunnel_opened_at_once_that_ends_just_before_the_answer_costs_a_tenth() -> None:
    """Its last byte came 1 ms before the answer's: a tenth of 10 ms."""
    assert costs() == 0.1
    assert costs(carrier=a_tunnel(last=100)) == 0.0


@pytest.mark.parametrize(
    ("opened", "price"), [(20, 0.0), (21, 0.01), (120, 1.0), (220, 2.0), (299, 2.0)]
)
def test_a_tunnel_is_prompt_for_20_ms_then_costs_1_each_100_ms_up_to_2(
    opened: float, price: float
) -> None:
    assert costs(a_call(answered=300), a_tunnel(opened, 300)) == price


def test_a_late_tunnel_is_prompt_where_the_api_proxy_was_busy_until_then() -> None:
    assert costs(a_call(answered=300), a_tunnel(220, 300), busy=ns(199)) == 0.01
    assert costs(a_call(answered=300), a_tunnel(220, 300), busy=ns(200)) == 0.0


@pytest.mark.parametrize(
    ("last", "price"), [(290, 1.0), (280, 2.0), (275, 2.5), (310, 1.0), (340, 4.0), (900, 4.0)]
)
def test_ends_apart_cost_1_each_10_ms_up_to_4(last: float, price: float) -> None:
    assert costs(a_call(answered=300), a_tunnel(5, last)) == price


def test_ends_apart_cost_2_at_most_where_the_answer_was_not_seen_whole() -> None:
    assert costs(a_call(answered=300, whole=False), a_tunnel(5, 310)) == 1.0
    assert costs(a_call(answered=300, whole=False), a_tunnel(5, 900)) == 2.0


def test_ends_may_be_so_far_apart_as_the_patience_is() -> None:
    assert costs(a_call(answered=300), a_tunnel(5, 280), patient=20 * MS) == 0.0
    assert costs(a_call(answered=300), a_tunnel(5, 280), patient=10 * MS) == 1.0


@pytest.mark.parametrize(
    ("crowd", "ms"), [(1, 0), (2, 0.2), (101, 20), (500, 99.8), (501, 100), (900, 100)]
)
def test_patience_is_a_fifth_of_a_millisecond_for_each_other_call_up_to_100(
    crowd: int, ms: float
) -> None:
    assert patience(crowd) == ns(ms)


def test_ends_that_say_nothing_cost_1() -> None:
    call, carrier = a_call(answered=300), a_tunnel(5, UNKNOWN)
    assert lag(call, carrier) == UNKNOWN
    assert costs(call, carrier) == 1.0


@pytest.mark.parametrize(("last", "price"), [(275, 2.5), (274, 2.6 + 4.0)])
def test_a_tunnel_over_more_than_25_ms_before_the_answer_began_costs_4_more(
    last: float, price: float
) -> None:
    assert costs(a_call(answered=300), a_tunnel(5, last)) == price


def test_a_tunnel_that_was_over_before_may_be_so_by_the_patience_more() -> None:
    call = a_call(answered=300)
    assert costs(call, a_tunnel(5, 265), patient=10 * MS) == 2.5
    assert costs(call, a_tunnel(5, 264), patient=10 * MS) == 2.6 + 4.0


# -- what was seen, and what went through ----------------------------------------------


def test_less_through_the_tunnel_than_was_passed_on_costs_3() -> None:
    assert costs(carrier=a_tunnel(last=100, down=300)) == 0.0
    assert costs(carrier=a_tunnel(last=100, down=299)) == 3.0
    assert costs(a_call(voice="upgrade"), a_tunnel(last=100, down=299)) == 0.0


def test_a_tunnel_whose_beginning_is_not_captured_costs_half() -> None:
    assert costs(carrier=a_tunnel(last=100, is_whole=False)) == 0.5


# -- what excludes a pair ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("opened", "belongs"), [(-1, True), (-1.1, False), (101, True), (101.1, False), (50, True)]
)
def test_a_tunnel_is_opened_while_the_call_waits_give_or_take_a_millisecond(
    opened: float, *, belongs: bool
) -> None:
    assert may_belong(a_call(0.5, 100)._replace(sent=0), a_tunnel(opened)) is belongs


def test_a_tunnel_of_another_api_proxy_or_for_an_unseen_request_belongs_to_no_call() -> None:
    assert not may_belong(a_call(), a_tunnel(proxy="10.9.0.66"))
    assert not may_belong(a_call(sent=UNKNOWN, asked=UNKNOWN), a_tunnel())


@pytest.mark.parametrize(("last", "may"), [(105, True), (105.1, False)])
def test_the_api_proxy_answers_itself_once_its_tunnel_is_over_give_or_take_5_ms(
    last: float, *, may: bool
) -> None:
    assert may_answer(a_call(voice="api-proxy"), a_tunnel(5, last)) is may
    assert may_answer(a_call(voice="api-proxy"), a_tunnel(5, last, failed=True))


@pytest.mark.parametrize(
    ("up", "may"), [(99, False), (100, True), (2 * 100 + 65536, True), (2 * 100 + 65537, False)]
)
def test_a_tunnel_carried_the_request_and_at_most_twice_it_and_64_kib(
    up: int, *, may: bool
) -> None:
    assert may_answer(a_call(), a_tunnel(up=up)) is may
    assert may_answer(a_call(), a_tunnel(up=up, is_whole=False))


def test_a_refusal_is_passed_on_with_its_status() -> None:
    refused = a_tunnel(status=403, refused=True, failed=True)
    assert may_answer(a_call(voice="forward-proxy", status=403), refused)
    assert not may_answer(a_call(voice="forward-proxy", status=502), refused)
    assert may_answer(a_call(status=403), refused)
    assert not may_answer(a_call(status=200), refused)


@pytest.mark.parametrize(("over", "price"), [(101, 2.0), (101.1, None)])
def test_an_earlier_attempt_was_over_before_the_answer_began_and_costs_2(
    over: float, price: float | None
) -> None:
    assert attempt_cost(a_call(done=300), a_tunnel(5, over), Learned()) == price


@pytest.mark.parametrize(("over", "price"), [(74.9, 2.0), (75, None), (100, None)])
def test_a_tunnel_that_ended_with_the_answer_was_no_earlier_attempt(
    over: float, price: float | None
) -> None:
    assert attempt_cost(a_call(), a_tunnel(5, over), Learned()) == price


# -- sizes are never required to be equal --------------------------------------------


@pytest.mark.parametrize(("up", "price"), [(1000, 0.0), (999, 2.0), (100, 2.0)])
def test_a_tunnel_that_carried_less_than_the_request_costs_2(up: int, price: float) -> None:
    """The API proxy rewrites bodies: tools dropped, another model."""
    call = a_call(up=1000)

    assert may_answer(call, a_tunnel(up=up))
    assert costs(call, a_tunnel(last=100, up=up)) == price


def test_a_tunnel_that_carried_less_than_any_request_carried_none() -> None:
    assert not may_answer(a_call(up=1000), a_tunnel(up=99))


# -- a hop that gives up -------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "status", "silent"),
    [(749, 504, True), (750, 504, False), (UNKNOWN, 504, True), (0, 200, False), (0, 404, False)],
)
def test_a_tunnel_is_silent_that_brought_nothing_for_a_quarter_of_a_second(
    heard: float, status: int, silent: bool
) -> None:
    call = a_call(answered=1000, status=status)

    assert is_silent(call, a_tunnel(5, 2000, heard=ns(heard))) is silent


def test_what_a_tunnel_brought_for_a_later_call_breaks_no_silence() -> None:
    call = a_call(answered=1000, status=504)
    kept = a_tunnel(5, 9000, pauses=((ns(7), ns(8)), (ns(8000), ns(9000))))

    assert is_silent(call, kept)
    assert lag(a_call(answered=10), kept) == ns(2), "nearest to what came back before the next call"


def test_a_server_error_in_lower_case_may_be_a_gateways_own_behind_a_refused_connect() -> None:
    refused = a_tunnel(refused=True, failed=True, status=403)

    assert may_answer(a_call(status=503), refused)
    assert not may_answer(a_call(status=404), refused)


@pytest.mark.parametrize(
    ("heard", "closed", "beyond", "is_hung_up"),
    [
        (40, 50.01, True, True),
        (40, 50, True, False),  # an answer's last bytes, and the close behind them
        (UNKNOWN, 50, True, True),
        (40, 99, False, False),  # the API proxy closed it
        (40, 101, True, True),  # within the jitter of packets' times
        (40, 101.01, True, False),  # after the answer
    ],
)
def test_a_tunnel_was_hung_up_that_was_quiet_for_10_ms_before_its_far_side_closed_it(
    heard: float, closed: float, beyond: bool, is_hung_up: bool
) -> None:
    call = a_call(answered=100, status=503)
    carrier = a_tunnel(heard=ns(heard), closed=ns(closed), is_closed_beyond=beyond)

    assert was_hung_up(call, carrier) == is_hung_up
    assert not was_hung_up(call, carrier._replace(failed=True))
    assert not was_hung_up(call._replace(answered=UNKNOWN), carrier)
    assert not was_hung_up(call._replace(status=200), carrier)
