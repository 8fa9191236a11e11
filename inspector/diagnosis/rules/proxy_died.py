"""The API proxy took a call and died of it."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import QUIET, Case
from inspector.diagnosis.index import closed_moment
from inspector.diagnosis.rule import Cause, Code
from inspector.diagnosis.words import at, bytes_down, plural, span

ABOUT: Final = Code(
    "proxy-died",
    severity="error",
    title="The API proxy died of a call",
    needs="the call, the close without an answer, later connection attempts",
    meaning=(
        "The API proxy took a request and closed at once, without one byte of answer and without a"
        " CONNECT, or in the middle of an answer; and its process went: connection attempts meet"
        " RST or silence, or all its connections closed in the same moment, also where a supervisor"
        " brings it back. A key that ends in a newline does this: Node refuses the header and the"
        " process ends. A connection that it goes on using, or seconds of silence before the"
        " close, refute it."
    ),
    advice=("Read the API proxy's stderr and its log; check its key for a trailing newline."),
    shown_by="issue-1527",
)


def explains(call: FailedCall, case: Case) -> bool:
    """A close from its side at once, and a sign that the process went with it.

    In the middle of an answer the attempts that failed next are needed, and that it never came
    back, for streams are cut for other reasons.
    """
    connection, closed = call.connection, closed_moment(call.connection)
    if connection is None or closed is None:
        return False
    if connection.closed_by not in ("server", "reset-by-server"):
        return False
    address = call.exchange.server.ip
    if (call.silence or 0) >= QUIET or case.lives.goes_on(address, closed[0]):
        return False
    start, end = case.contacts.service(call.exchange).failed_next(closed)
    if call.outcome == "unanswered" and not case.may_have_tunnel(call):
        return end > start or (case.knows_who_closed(call) and case.lives.ends(address, closed[0]))
    if call.outcome not in ("unanswered", "cut") or end == start:
        return False
    return not case.contacts.lives_after(address, closed)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    exchange = call.exchange
    return (
        f"{exchange.server.ip} took {exchange.id} whole, then closed:"
        f" {bytes_down(call)} response bytes ({at(call.packet, case)})."
    )


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    connection, service = call.connection, case.contacts.service(call.exchange)
    closed = closed_moment(connection)
    assert closed is not None
    start, end = service.failed_next(closed)
    accepted = service.accepted_after(closed)
    told = []
    if count > 1:
        told.append(f"{plural(count, 'call')} ended so.")
    if case.lives.ends(call.exchange.server.ip, closed[0]):
        told.append("All its connections closed in the same moment.")
    if end > start:
        packets = service.failed.packets[start:end]
        one = len(packets) == 1
        where = at(packets[0], case) if one else span(packets[0], packets[-1], case)
        attempts = plural(len(packets), "connection attempt")
        if accepted:
            told.append(f"Then {attempts} to it failed before it took any again ({where}).")
        else:
            told.append(f"Since then {attempts} to it failed, 0 accepted ({where}).")
    elif accepted:
        told.append(f"It came back: {plural(accepted, 'connection')} accepted later.")
    return tuple(told)


CAUSE: Final = Cause(
    ABOUT,
    explains,
    sentence,
    details,
    "why it died. Known cause: control char in its API key",
)
