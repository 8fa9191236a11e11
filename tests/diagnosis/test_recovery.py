"""Which later call made a failed one good."""

from __future__ import annotations

from random import Random
from typing import Final

from inspector.diagnosis.recovery import Recoveries
from inspector.fact import replace
from inspector.model.ids import exchange_id
from tests.diagnosis.calls import API_SAYS, KEY
from tests.exchanges.network import AGENT, Network, request, response, say

SECOND: Final = 1_000_000_000
WELL: Final = response("200 OK", *API_SAYS)
BUSY: Final = response("529 Overloaded", *API_SAYS)


def asked(size: int = 100, path: str = "/v1/messages") -> bytes:
    return request(f"POST {path} HTTP/1.1", KEY, body=b"x" * size)


def made_good(*calls: tuple[bytes, bytes], wait: int = 0, client: str = AGENT) -> list[str | None]:
    """By which call each of these, one after the other, was made good."""
    net = Network()
    for number, (call, answer) in enumerate(calls):
        net.wire.now += wait
        say(net.to_api_proxy(client=client if number else AGENT), call, answer).close()
    return [exchange.recovered_by for exchange in net.report().exchanges]


def test_the_same_request_counts_for_two_minutes() -> None:
    again = ((asked(), BUSY), (asked(), WELL))

    assert made_good(*again, wait=60 * SECOND) == ["e2", None]
    assert made_good(*again, wait=200 * SECOND) == [None, None]


def test_a_request_that_changed_a_little_counts_at_once() -> None:
    unstreamed = ((asked(100), BUSY), (asked(86), WELL))

    assert made_good(*unstreamed) == ["e2", None]
    assert made_good(*unstreamed, wait=10 * SECOND) == [None, None]
    assert made_good((asked(100), BUSY), (asked(400), WELL)) == [None, None]


def test_another_client_or_path_makes_nothing_good() -> None:
    assert made_good((asked(), BUSY), (asked(), WELL), client="172.30.0.21") == [None, None]
    assert made_good((asked(), BUSY), (asked(path="/v1/other"), WELL)) == [None, None]


def test_a_success_that_had_begun_before_the_failure_makes_nothing_good() -> None:
    net = Network()
    one, other = net.to_api_proxy(), net.to_api_proxy()
    one.up(asked())
    other.up(asked())
    one.down(BUSY).close()
    other.down(WELL).close()

    assert [exchange.recovered_by for exchange in net.report().exchanges] == [None, None]


def test_one_success_makes_one_of_two_parallel_failures_good() -> None:
    net = Network()
    one, other = net.to_api_proxy(), net.to_api_proxy()
    one.up(asked())
    other.up(asked())
    one.down(BUSY).close()
    other.down(BUSY).close()
    say(net.to_api_proxy(), asked(), WELL).close()

    assert sum(exchange.recovered_by == "e3" for exchange in net.report().exchanges) == 1


def test_what_fails_again_and_again_is_made_good_by_the_one_success() -> None:
    assert made_good((asked(), BUSY), (asked(), BUSY), (asked(), BUSY)) == [None] * 3
    assert made_good((asked(), BUSY), (asked(), BUSY), (asked(), WELL)) == ["e3", "e3", None]


def test_no_purpose_is_kept_without_a_failure_that_may_be_continued_whatever_comes() -> None:
    net = Network()
    say(net.to_api_proxy(), asked(), BUSY).close()
    (failed,) = net.report().exchanges
    assert failed.request is not None
    random, recoveries = Random(1), Recoveries()
    for number in range(1, 4000):
        place = random.randrange(random.choice((3, 5000)))
        request = replace(
            failed.request, target=f"/{place}", started_at=failed.request.started_at + number
        )
        exchange = replace(failed, id=exchange_id(number), request=request)
        recoveries.add(exchange, random.choice(("answered", "status", "status")), None)

        if not number % 100:
            assert recoveries._failures
            assert all(recoveries._failures.values())
