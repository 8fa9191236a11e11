"""A call that nobody answered, for no reason that the packets show."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import QUIET, Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code, Match, OfUnexplained, of_call
from inspector.diagnosis.words import at, plural

ABOUT: Final = Code(
    "call-unanswered",
    severity="error",
    title="A call got no answer",
    needs=AGENT_HOP,
    meaning=(
        "Not one byte of answer came before the connection was closed: by the server's side, which"
        " shows no sign of having died; or by the client, which waited in vain or closed its"
        " sending side together with its request (nc -N, some Java clients), which the API proxy"
        " takes for leaving."
    ),
    advice="Read the API proxy's log at that time.",
    shown_by="nginx-closes",
)

#: A client that closes within so many nanoseconds of its request's end did not wait for an
#: answer: it closed its sending side alone.
WITH_REQUEST: Final = 50_000_000


def is_unanswered(call: FailedCall) -> bool:
    """Whether nothing came, and one of the ends closed."""
    return call.outcome in ("unanswered", "left") and call.exchange.response is None


def explains(call: FailedCall, case: Case) -> bool:
    """If the answer, or a close, may be among the missing packets, nobody can tell."""
    if not is_unanswered(call) or not case.knows_who_closed(call):
        return False
    service = case.contacts.service(call.exchange)
    closed = call.closed
    gone = call.outcome == "left" and service.failed_after(closed)
    return not gone or case.contacts.lives_after(call.exchange.server.ip, closed)


def _is_half_closed(call: FailedCall, case: Case) -> bool:
    connection, silent = call.connection, call.silence
    if connection is None or connection.closed_by != "client" or silent is None:
        return False
    return silent < WITH_REQUEST


def sentence(call: FailedCall, case: Case, count: int) -> str:
    exchange, silent = call.exchange, (call.silence or 0) / 1e9
    where = at(call.packet, case)
    if _is_half_closed(call, case):
        return f"The client closed its sending side with {exchange.id}; no answer came ({where})."
    waited = f" for {silent:.1f} s" if silent * 1e9 >= QUIET else ""
    if call.outcome == "left":
        return f"Nobody answered {exchange.id}{waited}, then the client left ({where})."
    if waited:
        return f"{exchange.server.ip} did not answer {exchange.id}{waited}, then closed ({where})."
    return f"{exchange.server.ip} closed {exchange.id}'s connection unanswered ({where})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    told = [f"{plural(count, 'call')} got no answer."] if count > 1 else []
    request, address = call.exchange.request, call.exchange.server.ip
    if request is not None and not request.complete:
        told.append("The request is not whole: its sender promised more than it sent.")
    failed = case.contacts.service(call.exchange).failed_after(call.closed)
    if failed:
        told.append(f"{plural(failed, 'attempt')} to connect to its port afterwards failed.")
    if case.contacts.lives_after(address, call.closed):
        told.append("The API proxy lives: it took or opened connections afterwards.")
    elif not failed and call.outcome == "unanswered":
        told.append("Nobody tried to connect to it afterwards: whether it lives is not known.")
    return tuple(told)


def advice(call: FailedCall, case: Case) -> str:
    if _is_half_closed(call, case):
        return "Let the client keep its sending side open until the answer has come (no nc -N)."
    return ABOUT.advice


def match(call: FailedCall, case: Case) -> Match | None:
    """What a capture with holes shows of it is reported, though not as a cause."""
    return Match(of_call(call)) if call.outcome == "unanswered" else None


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
NOTICE: Final = OfUnexplained(ABOUT, match)
