"""A RST after a long silence, from the address of a process that lives."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import QUIET, Case
from inspector.diagnosis.index import closed_moment
from inspector.diagnosis.rule import Cause, Code
from inspector.diagnosis.words import at, plural

ABOUT: Final = Code(
    "connection-reset",
    severity="error",
    title="A connection was reset after a long silence",
    needs="the call, the reset, and a sign of life of the API proxy after it",
    meaning=(
        "A call waited in silence for seconds, then its connection was reset from the API proxy's"
        " address while the API proxy lives. Who resets an idle connection is mostly something in"
        " between that forgot it: a NAT, a load balancer, a firewall with a time limit of its own."
        " A call that is not streamed is silent for as long as the model thinks."
    ),
    advice=(
        "Let the client stream the answer or send TCP keep-alive probes (TCP_KEEPIDLE below the"
        " silence), or raise the idle limit of the NAT, load balancer or firewall in between."
    ),
)


def explains(call: FailedCall, case: Case) -> bool:
    """Not where a tunnel of its own ended before: then the reset passes on what came from there."""
    connection, closed = call.connection, closed_moment(call.connection)
    if connection is None or closed is None or connection.closed_by != "reset-by-server":
        return False
    if call.outcome not in ("unanswered", "cut") or not case.knows_who_closed(call):
        return False
    if (call.silence or 0) < QUIET:
        return False
    if any(t.closed_at is not None and t.closed_at <= closed[0] for t in call.tunnels):
        return False
    address = call.exchange.server.ip
    return case.contacts.lives_after(address, closed) or case.lives.goes_on(address, closed[0])


def sentence(call: FailedCall, case: Case, count: int) -> str:
    connection = call.connection
    packet = call.packet
    if connection is not None and connection.closed_packet is not None:
        packet = connection.closed_packet
    silent = (call.silence or 0) / 1e9
    return (
        f"{call.exchange.id}: {silent:.1f} s of silence, then a reset from"
        f" {call.exchange.server.ip} ({at(packet, case)})."
    )


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    told = "The API proxy lives: it took or used connections afterwards."
    return (f"{plural(count, 'call')} ended so. {told}" if count > 1 else told,)


CAUSE: Final = Cause(
    ABOUT, explains, sentence, details, "who sent the reset: anybody on the way can"
)
