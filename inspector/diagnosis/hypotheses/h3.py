"""H3: the API proxy mangles the answer on its way back."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.hypotheses.judgement import (
    Judgement,
    confirmed,
    not_observable,
    nothing_was_sent,
    refuted,
)
from inspector.diagnosis.index import closed_moment
from inspector.diagnosis.outcome import BARE_ERROR, outcome_of
from inspector.diagnosis.rules import proxy_died
from inspector.diagnosis.usable import unusable
from inspector.wire import precedes

QUESTION: Final = "Was an answer damaged or cut at the API proxy?"
#: What its verdict rests on: where that was not read it is "not observable".
SPEAKS_ABOUT: Final = "answers on the agents' hop, and the bytes of the tunnel that carried each"
of_attempts = nothing_was_sent

#: Data that follows a close by more than this was not merely on its way (measured: an API
#: proxy passes data on within 2 ms).
IN_FLIGHT: Final = 20_000_000

#: Outcomes in which the answer is what it was meant to be.
_WHOLE: Final = ("status", "error-event", "redirected")


def judge(call: FailedCall, case: Case) -> Judgement:
    """Decided by the order of closing on the two legs."""
    response = call.exchange.response
    if call.outcome not in _WHOLE and not case.knows_who_closed(call):
        return not_observable("packets are missing; a capture without loss")
    if call.outcome in ("unanswered", "left") and response is None:
        return _of_no_answer(call, case)
    if call.outcome in _WHOLE:
        if response is not None and not response.complete:
            return not_observable("the error's body is cut; keys would tell where")
        return refuted("the answer arrived whole")
    if call.outcome == "unusable" and unusable(call.exchange) == "error":
        return refuted("the answer arrived whole, and is an error")
    if call.outcome == "left":
        return _left(call)
    shown = call.exchange.websocket
    if shown is not None and shown.closed_by == "server":
        return refuted("the server's own closing frame came through")
    if (told := _of_both_legs(call)) is not None:
        return told
    if call.outcome in ("damaged", "unusable"):
        return not_observable("where the damage arose needs the tunnel's keys")
    if response is not None and BARE_ERROR in response.oddities:
        return refuted("the API proxy itself says the upstream broke off")
    return _cut(call, case)


def _of_no_answer(call: FailedCall, case: Case) -> Judgement:
    """Not one byte came to the agent: was one there to be passed on, for long enough?"""
    answer = None if call.inner is None else call.inner.response
    if answer is not None:
        closed = None if call.connection is None else call.connection.closed_at
        ended = answer.ended_at if answer.complete else None
        if ended is not None and closed is not None and ended + IN_FLIGHT < closed:
            return confirmed("the API's answer was whole inside the tunnel")
        if call.outcome == "left":
            return refuted("the client left before the API's answer was whole")
        if ended is not None:
            return confirmed("the API proxy closed while the API's answer came")
        return refuted("the API's own answer was not whole")
    if (tunnel := case.came_back(call)) is not None:
        return not_observable(f"whether {tunnel.id} brought an answer needs keys")
    return refuted("no response byte existed")


def _of_both_legs(call: FailedCall) -> Judgement | None:
    """The same answer inside the tunnel, where it was read to its end there."""
    ours = call.exchange.response
    theirs = None if call.inner is None else call.inner.response
    if ours is None or theirs is None or call.inner is None or call.inner.ended_by == "gap":
        return None
    if outcome_of(call.inner) == "answered":
        return confirmed("the API's answer was whole inside the tunnel")
    if outcome_of(call.inner) == "damaged":
        return refuted("the API's own stream was as broken")
    if theirs.stream is not None and ours.stream is not None:
        more = theirs.stream.events - ours.stream.events
        if more > 0:
            return confirmed(f"the tunnel brought {more} events more than the agent got")
        return refuted(f"the API's own stream ended after {theirs.stream.events} events")
    return refuted("the answer inside the tunnel was no better")


def _left(call: FailedCall) -> Judgement:
    """The client closed first: was anything held back from it until then?"""
    connection, tunnel = call.connection, call.tunnel
    response = call.exchange.response
    stream = None if response is None else response.stream
    if connection is None or connection.closed_at is None or stream is None:
        return refuted("the client left first")
    down, last = None if tunnel is None else tunnel.last_down_at, stream.last_event_at
    if down is None or last is None or down > connection.closed_at:
        return refuted("the client left first")
    if down - last > 50 * IN_FLIGHT:
        return not_observable("the tunnel went on while the agent got nothing")
    return refuted("the client left first; the tunnel was as silent")


def _cut(call: FailedCall, case: Case) -> Judgement:
    connection, tunnel = call.connection, call.tunnel
    if proxy_died.explains(call, case):
        return confirmed("the API proxy died in the middle of the answer")
    if tunnel is None or connection is None:
        return not_observable("the call's tunnel is not known; a wider capture")
    response = call.exchange.response
    ended = connection.closed_at
    if response is not None and response.complete:
        ended = response.ended_at
    if ended is None:
        return not_observable("how the agent's leg ended is not in the capture")
    if tunnel.closed_at is not None and tunnel.closed_by in ("server", "reset-by-server"):
        if _ended_first(call, case, tunnel.closed_at, ended):
            return _upstream_first(call, ended)
    elif response is not None and response.complete:
        return not_observable("what the tunnel carried needs keys")
    late = tunnel.last_down_at is not None and tunnel.last_down_at > ended + IN_FLIGHT
    if late and not (response is not None and response.complete):
        return confirmed("the agent's leg ended first; the tunnel went on")
    return not_observable("which leg ended first cannot be told")


def _ended_first(call: FailedCall, case: Case, closed_at: int, ended: int) -> bool:
    """Whether the tunnel closed before the agent's leg ended."""
    tunnel, response = call.tunnel, call.exchange.response
    far = None if tunnel is None else closed_moment(case.connections.get(tunnel.connection))
    ours = closed_moment(call.connection)
    if far is None or ours is None or (response is not None and response.complete):
        return closed_at <= ended  # which packet ended an answer is not kept
    return not precedes(ours, far)


def _upstream_first(call: FailedCall, ended: int) -> Judgement:
    """The tunnel closed first: a cut, unless the answer had come whole through it.

    A close right before the agent's is the normal end of a tunnel as well, so a clean end
    on the agent's leg leaves the place open.
    """
    response = call.exchange.response
    if response is not None and response.complete and not response.oddities:
        return not_observable("HTTP ended well; what the tunnel carried needs keys")
    return refuted("the tunnel closed first, from upstream")
