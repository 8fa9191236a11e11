"""Numbers over calls: of those that were seen whole and answered with success, and of how many."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from inspector.capture_files import inspect
from inspector.exchanges.numbers import NumbersTally, rank
from inspector.model.http import Exchange, Timing, Usage
from inspector.model.numbers import Durations, Tokens
from tests.diagnosis.matrix import GOLDEN
from tests.exchanges.network import Network, only_exchange, request, response, say


@pytest.fixture(scope="module")
def call() -> Exchange:
    net = Network()
    body = json.dumps(
        {"type": "message", "model": "m-1", "usage": {"input_tokens": 7, "output_tokens": 3}}
    ).encode()
    typed = "content-type: application/json"
    say(net.to_api_proxy(), request(body=b"{}"), response("200 OK", typed, body=body)).close()
    return only_exchange(net.report())


def _tally(*calls: Exchange) -> NumbersTally:
    tally = NumbersTally()
    for call in calls:
        tally.add(call)
    return tally


def _took(call: Exchange, first: float, last: float | None) -> Exchange:
    return replace(call, timing=Timing(0.0, first, last))


def test_percentiles_are_the_durations_of_calls(call: Exchange) -> None:
    calls = [_took(call, number / 100, number / 10) for number in range(1, 101)]
    numbers = _tally(*calls).numbers()
    assert numbers is not None
    assert (numbers.calls, numbers.counted) == (100, 100)
    assert numbers.first_byte == Durations(100, 0.5, 0.95, 1.0)
    assert numbers.last_byte == Durations(100, 5.0, 9.5, 10.0)


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 2), (51, 3), (95, 4), (100, 4)])
def test_the_nearest_rank_is_one_of_the_values(percent: int, value: int) -> None:
    assert rank([1, 2, 3, 4], percent) == value


def test_tokens_and_models_are_as_the_answers_state_them(call: Exchange) -> None:
    assert call.response is not None
    more = replace(call, response=replace(call.response, usage=Usage(9, None), model="m-2"))
    numbers = _tally(call, more).numbers()
    assert numbers is not None
    assert numbers.input_tokens == Tokens(calls=2, total=16, p50=7, p95=9)
    assert numbers.output_tokens == Tokens(calls=1, total=3, p50=3, p95=3)
    assert numbers.models == {"m-1": 1, "m-2": 1}


def test_what_was_half_seen_or_is_an_error_counts_as_a_call_alone(call: Exchange) -> None:
    asked, answer = call.request, call.response
    assert asked is not None
    assert answer is not None
    half = [
        replace(call, request=replace(asked, complete=False)),
        replace(call, response=replace(answer, complete=False)),
        replace(call, response=replace(answer, status=429)),
        replace(call, response=None),
    ]
    numbers = _tally(call, *half).numbers()
    assert numbers is not None
    assert (numbers.calls, numbers.counted) == (5, 1)
    assert numbers.first_byte is not None
    assert numbers.first_byte.calls == 1


def test_of_no_call_there_are_no_numbers() -> None:
    assert NumbersTally().numbers() is None


def test_a_stated_count_that_is_no_count_is_passed_over(call: Exchange) -> None:
    assert call.response is not None
    absurd = replace(call, response=replace(call.response, usage=Usage(-1, 1 << 80)))
    numbers = _tally(absurd).numbers()
    assert numbers is not None
    assert (numbers.input_tokens, numbers.output_tokens) == (None, None)


def test_clients_and_providers_of_a_capture_have_theirs() -> None:
    report = inspect(GOLDEN / "healthy-sse")
    per_client = [client.numbers for client in report.clients]
    assert [numbers and numbers.counted for numbers in per_client] == [1, 1, 1, 1]
    assert {each.provider: each.numbers.counted for each in report.providers} == {
        "anthropic": 3,
        "openai": 1,
    }
    assert all(e.timing is not None and e.timing.last_byte is not None for e in report.exchanges)


def test_a_look_at_the_api_proxys_own_pages_is_no_call() -> None:
    net = Network()
    say(net.to_api_proxy(10000), request("GET /health HTTP/1.1"), response()).close()
    report = net.report()
    assert report.providers == ()
    assert report.clients[0].numbers is None


def test_tallies_of_several_clients_merged_are_one_of_all_their_calls(call: Exchange) -> None:
    assert call.response is not None
    calls = [
        _took(call, 0.3, 0.9),
        replace(call, response=replace(call.response, usage=Usage(9, None), model="m-2")),
        replace(call, response=None),
    ]
    merged = _tally(*calls[:1])
    merged.merge(_tally(*calls[1:]))
    assert merged.numbers() == _tally(*calls).numbers()
