"""The API proxy took a call and died of it."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.index import closed_moment
from inspector.diagnosis.rule import Cause, Code
from inspector.diagnosis.words import at, bytes_down, plural, span

ABOUT: Final = Code(
    "proxy-died",
    severity="error",
    title="The API proxy died of a call",
    needs="the call, the close without an answer, later connection attempts",
    meaning=(
        "The API proxy took a request and closed without one byte of answer or in the middle of"
        " one, and from then on nobody answers at its address: connection attempts meet RST or"
        " silence. A key that ends in a newline does this: Node refuses the header and the"
        " process ends."
    ),
    advice=("Read the API proxy's stderr and its log; check its key for a trailing newline."),
    shown_by="issue-1527",
)


def explains(call: FailedCall, case: Case) -> bool:
    """A close from its side, and nobody there afterwards.

    Without one byte of answer that is enough unless it took connections later: no other
    close of a first request without an answer is known of it.  In the middle of an answer
    the attempts that failed later are needed, for streams are cut for other reasons.
    """
    connection, service = call.connection, case.service_of(call.exchange)
    closed = closed_moment(connection)
    if connection is None or closed is None:
        return False
    if connection.closed_by not in ("server", "reset-by-server"):
        return False
    failed = service.failed_after(closed)
    if (
        call.outcome == "unanswered"
        and not connection.bytes_down
        and not case.may_have_tunnel(call)
    ):
        sure = case.knows_who_closed(call) and not service.accepted_after(closed)
        return failed > 0 or sure
    if call.outcome not in ("unanswered", "cut") or not failed:
        return False
    return not case.lives_after(call.exchange.server.ip, closed)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    exchange = call.exchange
    return (
        f"{exchange.server.ip} took {exchange.id} whole, then closed:"
        f" {bytes_down(call)} response bytes ({at(call.packet, case)})."
    )


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    connection, service = call.connection, case.service_of(call.exchange)
    closed = closed_moment(connection)
    assert closed is not None
    failed = service.failed_after(closed)
    if not failed:
        return ("Nobody tried to connect to it afterwards.",)
    accepted = service.accepted_after(closed)
    packets = service.failed.packets[-failed:]
    where = at(packets[0], case) if failed == 1 else span(packets[0], packets[-1], case)
    attempts = plural(failed, "connection attempt")
    return (f"Since then {attempts} to it failed, {accepted} accepted ({where}).",)


CAUSE: Final = Cause(
    ABOUT,
    explains,
    sentence,
    details,
    "why it died. Known cause: control char in its API key",
)
