"""HTTP/2 without TLS was offered, or begun, and refused; nothing else was wrong."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.outcome import is_bare
from inspector.diagnosis.recovery import offers
from inspector.diagnosis.rule import Cause, Code, OfForeign
from inspector.diagnosis.words import at, plural
from inspector.model.network import Connection

ABOUT: Final = Code(
    "h2c-refused",
    severity="error",
    title="HTTP/2 without TLS was refused",
    needs="the first bytes of a connection to the API proxy",
    meaning=(
        "The client offered to change to HTTP/2 without TLS (Upgrade: h2c, as Java's HttpClient and"
        " curl --http2 do), or began with it (curl --http2-prior-knowledge, gRPC). The API proxy"
        " speaks HTTP/1.1 alone, and refuses with a bare 400 or closes; the call itself may be in"
        " order."
    ),
    advice=(
        "Let the client speak HTTP/1.1: HttpClient.Version.HTTP_1_1 in Java, curl --http1.1,"
        " http2=False in httpx."
    ),
)


def explains(call: FailedCall, case: Case) -> bool:
    """Whether the offer is all that a bare refusal can be about: no tunnel was opened for it."""
    request, response = call.exchange.request, call.exchange.response
    if call.connection is not None and response is None and is_refused(call.connection, case):
        return True
    if request is None or offers(request) != "h2c" or case.may_have_tunnel(call):
        return False
    if response is None:
        return call.outcome == "unanswered"
    return is_bare(response) and not response.body_bytes and response.status in _REFUSALS


#: Statuses with which a server refuses an upgrade or a version (RFC 9110 15.5.1, 15.5.22, 15.6).
_REFUSALS: Final = frozenset({400, 405, 426, 501, 505})


def is_refused(connection: Connection, case: Case) -> bool:
    """Whether it began with HTTP/2 and was answered in HTTP/1, or closed without an answer."""
    if connection.protocol != "h2":
        return False
    if connection.plain_answer is not None:
        return connection.plain_answer >= 400
    closed = connection.closed_by in ("server", "reset-by-server")
    return closed and not connection.bytes_down and not case.not_read.is_lossy


def connection_sentence(connection: Connection, case: Case, count: int) -> str:
    answer = "closed" if connection.plain_answer is None else f"answered {connection.plain_answer}"
    return (
        f"HTTP/2 without TLS (h2c): {connection.server.ip} {answer},"
        f" {plural(count, 'connection')} ({at(connection.packet, case)})."
    )


def sentence(call: FailedCall, case: Case, count: int) -> str:
    status, connection = call.status, call.connection
    did = "Upgrade: h2c was offered"
    if connection is not None and connection.protocol == "h2":
        status = connection.plain_answer
        did = "HTTP/2 without TLS (h2c)"
    answered = "closed" if status is None else f"answered {status}"
    return (
        f"{did}: {call.exchange.server.ip} {answered},"
        f" {plural(count, 'call')} ({at(call.packet, case)})."
    )


CAUSE: Final = Cause(ABOUT, explains, sentence)
FOREIGN: Final = OfForeign(ABOUT, is_refused, connection_sentence, ABOUT.advice)
