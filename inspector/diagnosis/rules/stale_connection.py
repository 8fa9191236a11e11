"""A request on a connection that the server's side had already closed."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.outcome import is_bare
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code, Match, OfRecovered, of_call
from inspector.diagnosis.words import at, plural

ABOUT: Final = Code(
    "stale-connection",
    severity="error",
    title="A request was written on a connection that was already closed",
    needs=AGENT_HOP,
    meaning=(
        "The client kept a connection open without using it; the server's side closed it, or met"
        " the request with the 408 that Node sends to an idle connection. What the client wrote"
        " then was not processed by anybody, so that it can safely be sent again. The API proxy"
        " closes an idle connection after 5 s (Node's keepAliveTimeout). A note where the client"
        " did send it again."
    ),
    advice=(
        "Let the client drop idle connections earlier than the server does (an agent's"
        " keepAliveTimeout below 5 s), or send the request again on a new one; or raise"
        " keepAliveTimeout of the server."
    ),
)

#: A connection is idle that has carried nothing for this long before the request, in nanoseconds.
IDLE: Final = 1_000_000_000
#: A 408 meets a request that it follows by no more than this: nobody was asked for it.
AT_ONCE: Final = 50_000_000


def explains(call: FailedCall, case: Case) -> bool:
    """Whether its connection was closed before it, or answered 408 as if nothing had come."""
    if call.exchange.response is None:
        return call.is_late
    return _is_met_by_408(call)


def _is_met_by_408(call: FailedCall) -> bool:
    """A bare 408 at once, to a whole request on an idle connection; no tunnel was opened."""
    exchange, connection = call.exchange, call.connection
    request, response = exchange.request, exchange.response
    if request is None or response is None or connection is None or call.tunnels:
        return False
    if response.status != 408 or not is_bare(response) or request.ended_at is None:
        return False
    idle = request.started_at - connection.opened_at > IDLE
    return idle and response.started_at - request.ended_at < AT_ONCE


def sentence(call: FailedCall, case: Case, count: int) -> str:
    exchange, connection = call.exchange, call.connection
    assert exchange.request is not None
    assert connection is not None
    if exchange.response is not None:
        return (
            f"{exchange.server.ip} met {plural(count, 'request')} on an idle connection with 408"
            f" ({at(call.packet, case)})."
        )
    late = (exchange.request.started_at - (connection.closed_at or 0)) / 1e9
    return (
        f"{exchange.id} was written {late:.1f} s after {exchange.server.ip} closed its"
        f" connection ({at(exchange.request.packet, case)})."
    )


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    connection = call.connection
    told = ["It was not processed."]
    if connection is not None and connection.closed_packet is not None:
        told.insert(0, f"The server's side closed it ({at(connection.closed_packet, case)}).")
    if count > 1:
        told.append(f"{plural(count, 'request')} went so.")
    return (" ".join(told),)


def match(call: FailedCall, case: Case) -> Match | None:
    """A client that sends it again at once has lost nothing but time."""
    return Match(of_call(call), "note") if explains(call, case) else None


CAUSE: Final = Cause(ABOUT, explains, sentence, details)
OF_RECOVERED: Final = OfRecovered(ABOUT, match)
