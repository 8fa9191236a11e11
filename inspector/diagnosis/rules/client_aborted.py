"""The client closed first, and nothing else was wrong."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.index import closed_moment, opened_moment
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, order_of_closing, plural

ABOUT: Final = Code(
    "client-aborted",
    severity="error",
    title="The client left before the answer was whole",
    needs=AGENT_HOP,
    meaning="The agent's side closed first while nothing else was wrong.",
    advice="Look at the client: a time limit, a cancelled task, a crash.",
    shown_by="client-leaves-mid-stream",
)


def explains(call: FailedCall, case: Case) -> bool:
    """If the other side's close may be among the missing packets, nobody can be blamed."""
    if call.outcome != "left" or not case.knows_who_closed(call) or call.connection is None:
        return False
    if call.exchange.response is None and not call.tunnels:
        return False
    closed = closed_moment(call.connection) or opened_moment(call.connection)
    gone = case.contacts.service(call.exchange).failed_after(closed)
    return not gone or case.contacts.lives_after(call.exchange.server.ip, closed)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return (
        f"The client left before its answer was whole: {plural(count, 'call')}"
        f" ({at(call.packet, case)})."
    )


CAUSE: Final = Cause(ABOUT, explains, sentence, order_of_closing)
