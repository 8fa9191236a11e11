"""Tunnels that carry more than one call: each turn of such a tunnel is looked at as a carrier.

A gateway that keeps its connections (litellm, Envoy, nginx with keepalive) sends call after call
through one CONNECT.  A call for which nothing was opened is joined with a turn: a burst upwards
that began when the request was whole, and what came back before the next one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Protocol

from inspector.chain.evidence import JITTER
from inspector.chain.rows import UNKNOWN, CallRow, Carrier
from inspector.exchanges.turns import TunnelTurn
from inspector.model.ids import number_of

#: The first turn of a tunnel is the ClientHello with the server's answer to it.
_HELLO = 1


class _Known(Container[object], Protocol):
    """What is known so far: which calls are joined, which tunnels are taken."""

    def is_taken(self, carrier: Carrier) -> bool:
        """Whether it carried a call."""


def free_turns(
    carriers: Iterable[Carrier],
    turns: Mapping[int, Sequence[TunnelTurn]],
    ends: Mapping[int, int],
    count: int,
) -> Sequence[Carrier]:
    """Return each turn that carried no call so far, as a carrier, in the order of time.

    `turns` are by the tunnel's number; `ends` has, by the place of each tunnel that carried a call,
    when that call's answer ended (ns).  Their positions begin at `count`: nobody else's.
    """
    found = [
        (turn, carrier)
        for carrier in carriers
        if carrier.pauses and not carrier.failed
        for turn in _later(turns[number_of(carrier.id)], ends.get(carrier.position, UNKNOWN))
    ]
    found.sort(key=lambda item: item[0].up_last)
    return [
        carrier._replace(
            position=count + place,
            opened=turn.up_last,
            first=turn.up_last,
            last=turn.down_last if turn.down else turn.up_last,
            heard=turn.down_last,
            closed=UNKNOWN,
            up=turn.up,
            down=turn.down,
            pauses=(),
        )
        for place, (turn, carrier) in enumerate(found)
    ]


def _later(turns: Sequence[TunnelTurn], end: int) -> Iterator[TunnelTurn]:
    """The turns behind the handshake, and behind the call that the tunnel was opened for."""
    for turn in turns[_HELLO:]:
        if end == UNKNOWN or turn.up_last > end - JITTER:
            yield turn


def left_over(calls: Iterable[CallRow], joined: Container[CallRow]) -> list[CallRow]:
    """Return the calls that are not joined and may have used an open tunnel, in order of time."""
    rows = [call for call in calls if call.begun != UNKNOWN and call not in joined]
    return sorted(rows, key=lambda call: call.begun)


def while_coming(
    calls: Sequence[CallRow], carriers: Sequence[Carrier], said: _Known
) -> tuple[list[CallRow], list[Carrier]]:
    """Return calls without a tunnel, and tunnels of nobody's that were opened as they came.

    Envoy, and an nginx that does not buffer, turn to the upstream as soon as they have a request's
    head.  Such a call is returned as if it had been whole then.
    """
    if not carriers:
        return [], []
    coming = [
        (call._replace(sent=call.asked), call.sent)
        for call in calls
        if UNKNOWN not in (call.asked, call.sent)
        and call.sent > call.asked + JITTER
        and call not in said
    ]
    if not coming:
        return [], []
    coming.sort(key=lambda each: each[0].asked)
    late = [call for call, _ in coming]
    begun = [call.asked for call in late]
    #: Until when the latest of the calls up to each one was still coming.
    until = list(accumulate((whole for _, whole in coming), max))
    free = []
    for carrier in carriers:
        place = bisect_right(begun, carrier.opened + JITTER)
        if place and carrier.opened < until[place - 1] and not said.is_taken(carrier):
            free.append(carrier)
    return late, free
