"""How long an exchange took: from its own first byte, and only where it was seen whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.exchanges.timing import timing_of
from inspector.model.http import Exchange, Timing
from tests.exchanges.network import Network, only_exchange, request, response, say

MILLISECOND = 1_000_000


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    net = Network()
    say(net.to_api_proxy(), request(body=b"{}"), response()).close()
    found = only_exchange(net.report())
    assert found.request is not None
    assert found.response is not None
    return replace(
        found,
        timing=None,
        request=replace(found.request, started_at=0, ended_at=2 * MILLISECOND),
        response=replace(found.response, started_at=50 * MILLISECOND, ended_at=80 * MILLISECOND),
    )


def test_all_is_counted_from_the_first_byte_of_the_request(exchange: Exchange) -> None:
    assert timing_of(exchange) == Timing(request=0.002, first_byte=0.05, last_byte=0.08)


def test_an_answer_that_is_not_whole_has_a_first_byte_alone(exchange: Exchange) -> None:
    assert exchange.response is not None
    cut = replace(exchange, response=replace(exchange.response, complete=False))
    assert timing_of(cut) == Timing(request=0.002, first_byte=0.05)


def test_of_a_request_that_was_half_seen_nothing_is_known(exchange: Exchange) -> None:
    assert exchange.request is not None
    half = replace(exchange, request=replace(exchange.request, complete=False))
    assert timing_of(half) == Timing()
    assert timing_of(replace(exchange, request=None)) == Timing()


def test_a_call_without_an_answer_has_none(exchange: Exchange) -> None:
    assert timing_of(replace(exchange, response=None)) == Timing(request=0.002)


def test_a_clock_that_was_set_back_proves_no_duration(exchange: Exchange) -> None:
    assert exchange.request is not None
    later = replace(exchange.request, started_at=60 * MILLISECOND, ended_at=61 * MILLISECOND)
    assert timing_of(replace(exchange, request=later)).first_byte is None


def test_the_answer_to_an_upgrade_is_no_answer_of_an_api(exchange: Exchange) -> None:
    assert timing_of(replace(exchange, upgrade="websocket")) == Timing(request=0.002)
