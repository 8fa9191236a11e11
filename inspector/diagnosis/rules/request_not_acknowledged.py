"""A request that was sent again and again, and never acknowledged."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at
from inspector.model.network import Unacknowledged

ABOUT: Final = Code(
    "request-not-acknowledged",
    severity="error",
    title="A request did not arrive: its packets were never acknowledged",
    needs=AGENT_HOP,
    meaning=(
        "The client's TCP sent the same bytes again and again, and the server's never acknowledged"
        " them: the packets vanish on the way. Where smaller requests get through, the size is the"
        " reason: a link with a smaller MTU whose ICMP messages are dropped. Where none does, a"
        " firewall drops them, or the server's host is gone."
    ),
    advice=(
        "Compare the MTU of the interfaces on the way (ip link) and lower it at the agent, or let"
        " the way clamp the MSS (iptables TCPMSS --clamp-mss-to-pmtu); let ICMP type 3 code 4 pass;"
        " look for a firewall rule that drops these packets."
    ),
)


def explains(call: FailedCall, case: Case) -> bool:
    """Whether the end that gave up, or waits, had not got its request through."""
    return call.outcome in ("undelivered", "left", "unanswered") and _lost(call) is not None


def _lost(call: FailedCall) -> Unacknowledged | None:
    """What never arrived, where it is the end of this request."""
    connection = call.connection
    lost = None if connection is None else connection.unacknowledged
    if lost is None or lost.direction != "up" or call.exchange.response is not None:
        return None
    return lost


def sentence(call: FailedCall, case: Case, count: int) -> str:
    lost = _lost(call)
    assert lost is not None
    return (
        f"{lost.bytes:,} bytes of {call.exchange.id} were never acknowledged, sent again"
        f" {lost.resends} times ({at(call.packet, case)})."
    )


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    lost, largest = _lost(call), case.contacts.service(call.exchange).largest
    assert lost is not None
    told = f"Segments of up to {lost.segment:,} bytes did not get through."
    if largest is None or largest >= lost.bytes:
        return (told,)
    return (told, f"Calls with bodies of up to {largest:,} bytes were answered on this port.")


CAUSE: Final = Cause(
    ABOUT, explains, sentence, details, "where on the way the packets vanish, and why"
)
