"""What was read inside a tunnel proves whose it is, if the API proxy alone chose the id."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from inspector.chain.content import PROVEN, with_insides
from inspector.credentials.scrubbing import NOT_SHOWN
from inspector.model.conclusions import Chain
from inspector.model.http import Exchange
from inspector.model.ids import exchange_id
from tests.chain.test_join import SQUID, TOPOLOGY, Scene, at, moment

ID: Final = "<36 bytes 0123456789ab>"
OTHER: Final = "<36 bytes ba9876543210>"


def with_id(exchange: Exchange, *, sent: str | None = None, got: str | None = None) -> Exchange:
    """The exchange with these ids in its request and in its answer."""
    request, response = exchange.request, exchange.response
    assert request is not None
    if sent is not None:
        request = replace(request, headers=(*request.headers, ("X-Request-ID", sent)))
    if response is not None:
        kept = tuple(field for field in response.headers if field[0] != "x-request-id")
        given = () if got is None else (("x-request-id", got),)
        response = replace(response, headers=(*kept, *given))
    return replace(exchange, request=request, response=response)


class Pair(Scene):
    """Two calls at the same time, and a tunnel for each, of which the second call's was first."""

    def __init__(self) -> None:
        super().__init__()
        first, second = self.call(0, 100), self.call(1, 99)
        self.inner = {number: self.tunnel(3 - number, 98 + number / 10) for number in (1, 2)}
        calls = {one.id: one for one in self.exchanges}
        self.first = with_id(calls[first], got=ID)
        self.second = with_id(calls[second], got=OTHER)

    def inside(self, number: int, sent: str, *, asked: float = 20) -> Exchange:
        """What the API proxy asked in one of the tunnels."""
        tunnel = self.tunnels[number - 1]
        request = self.first.request
        assert request is not None
        request = replace(request, started_at=moment(asked), ended_at=at(asked))
        return with_id(
            replace(
                self.first,
                id=exchange_id(10 + number),
                hop="inside-tunnel",
                client=tunnel.client,
                server=tunnel.proxy,
                tunnel=tunnel.id,
                decrypted=True,
                request=request,
            ),
            sent=sent,
        )

    def told(self, *inside: Exchange) -> list[Chain]:
        self.exchanges = [self.first, self.second]
        chains = self.chains()
        return list(with_insides(chains, [*self.exchanges, *inside], TOPOLOGY))


def is_proven(chain: Chain) -> bool:
    return any(reason.startswith(PROVEN) for reason in chain.reasons)


def test_the_id_that_the_api_proxy_chose_proves_the_tunnel() -> None:
    pair = Pair()
    first, second = pair.told(pair.inside(2, ID), pair.inside(1, OTHER))
    assert (first.tunnel, first.confidence) == (pair.inner[2], 1.0)
    assert (second.tunnel, second.confidence) == (pair.inner[1], 1.0)
    assert is_proven(first)
    assert is_proven(second)
    assert (first.upstream_exchanges, second.upstream_exchanges) == (
        (exchange_id(12),),
        (exchange_id(11),),
    )


def test_an_id_that_the_call_itself_brought_proves_nothing() -> None:
    pair = Pair()
    pair.first = with_id(pair.first, sent=ID, got=ID)
    first, _ = pair.told(pair.inside(2, ID))
    assert not is_proven(first)
    assert first.confidence < 1


def test_an_id_that_another_call_brought_proves_nothing() -> None:
    pair = Pair()
    pair.second = with_id(pair.second, sent=ID, got=OTHER)
    first, _ = pair.told(pair.inside(2, ID))
    assert not is_proven(first)


def test_an_id_in_two_answers_proves_nothing_of_either() -> None:
    pair = Pair()
    pair.second = with_id(pair.second, got=ID)
    assert not any(map(is_proven, pair.told(pair.inside(2, ID))))


def test_a_request_inside_that_was_not_asked_during_the_call_proves_nothing() -> None:
    pair = Pair()
    first, _ = pair.told(pair.inside(2, ID), pair.inside(1, ID, asked=500))
    assert not is_proven(first)


def test_a_call_whose_request_was_not_captured_may_have_brought_the_id() -> None:
    pair = Pair()
    [chain, _], inside = pair.chains(), pair.inside(2, ID)
    [told] = with_insides([chain], [replace(pair.first, request=None), inside], TOPOLOGY)
    assert not is_proven(told)


@pytest.mark.parametrize("sent", [None, NOT_SHOWN])
def test_ids_that_are_not_shown_are_not_equal(sent: str | None) -> None:
    pair = Pair()
    got = ID if sent else NOT_SHOWN
    inside = pair.inside(2, got)
    pair.first = with_id(pair.first, sent=sent, got=got)
    first, _ = pair.told(inside)
    assert not is_proven(first)


def test_a_call_that_came_by_way_of_squid_has_one_answer_on_two_legs() -> None:
    pair = Pair()
    front = replace(
        pair.first, id=exchange_id(1), server=replace(pair.first.server, ip=SQUID, port=3128)
    )
    behind = replace(
        pair.first, id=exchange_id(3), relays=front.id, hop="forward-proxy-to-api-proxy"
    )
    chain = replace(pair.chains()[0], agent_exchange=behind.id)
    [told] = with_insides([chain], [front, behind, pair.inside(2, ID)], TOPOLOGY)
    assert is_proven(told)
