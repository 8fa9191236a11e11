"""A request that is no proper HTTP: its body is not as long as promised, two Hosts, `//v1`."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at
from inspector.model.http import Request, header
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "request-malformed",
    severity="error",
    title="A request is not as HTTP wants it",
    needs=AGENT_HOP,
    meaning=(
        "The body is shorter than Content-Length says (the server waits for the rest, the client"
        " for an answer) or longer, there are two Host fields, or both Content-Length and"
        " Transfer-Encoding, or the path begins with //. Or the server's parser says so itself: a"
        " bare 400 that closes, as Node writes it. Nothing was forwarded (a path with // may have"
        " been, to an API that does not have it); no key was judged."
    ),
    advice="Look at how the client, or what stands before it, writes the request.",
)

#: Statuses of a server that cannot read a request, or has waited for its end.
_REFUSED: Final = frozenset({400, 408, 411, 413})
#: Statuses of an API to which a doubled slash was passed on.
_NO_SUCH_PATH: Final = frozenset({400, 404, 405})
#: All that Node writes beside the status line when its parser refuses (`clientError`).
_BARE: Final = frozenset({"connection", "date", "keep-alive", "content-length"})


def explains(call: FailedCall, case: Case) -> bool:
    """A fault that is seen in the request, or a server that refuses it with a bare 400."""
    request, status = call.exchange.request, call.status
    if request is None or call.answered_by == "forward-proxy" or call.is_late:
        return False
    is_forwarded = call.answered_by == "upstream" or bool(call.tunnels)
    if is_short(request):
        if is_forwarded:
            return False
        # What the server got of it is all there is: its end, or the client's patience, came first.
        by = call.exchange.ended_by not in ("gap", "capture-end")
        return by and (status is None or status in _REFUSED)
    if status is None:
        return False
    if request.target.startswith("//"):
        return not is_forwarded or status in _NO_SUCH_PATH
    if status != 400 or is_forwarded:
        return False
    if fault(request) is not None:
        return True
    # A server that refuses an upgrade may do it as barely.
    return header(request, "upgrade") is None and is_bare(call)


def is_short(request: Request) -> bool:
    """Whether fewer bytes of the body came than Content-Length says."""
    length = header(request, "content-length")
    if request.complete or length is None or not length.isdecimal():
        return False
    return header(request, "transfer-encoding") is None and request.body_bytes < int(length)


def fault(request: Request) -> str | None:
    """What is seen to be wrong with a request, as a clause; None where nothing is."""
    names = [name.lower() for name, _ in request.headers]
    if is_short(request):
        return f"promises {header(request, 'content-length')} bytes and has {request.body_bytes}"
    if request.target.startswith("//"):
        return f"asks for {shortened(request.target, 40)}, which names a host and no path"
    if names.count("host") > 1:
        return f"has {names.count('host')} Host fields"
    if {"content-length", "transfer-encoding"} <= set(names):
        return "has Content-Length beside Transfer-Encoding"
    return None


def is_bare(call: FailedCall) -> bool:
    """Whether it is answered as Node's parser does: with its own fields alone, and it closes."""
    response = call.exchange.response
    if response is None or response.body_bytes or not response.complete:
        return False
    names = {name.lower() for name, _ in response.headers}
    return names <= _BARE and call.header("connection").lower() == "close"


def sentence(call: FailedCall, case: Case, count: int) -> str:
    request = call.exchange.request
    assert request is not None
    what = fault(request) or "is refused by the server's parser"
    got = "no answer" if call.status is None else str(call.status)
    return f"{call.exchange.id} {what}: {count} x {got} ({at(request.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    request = call.exchange.request
    assert request is not None
    if is_short(request):
        return (
            "The server waits for the rest, the client for an answer: nothing was forwarded.",
            "Or the client was ended in the middle of sending.",
        )
    if fault(request) is None:
        return (
            "A bare 400 that closes is a parser's: a body longer than Content-Length says, a"
            " control character in a field, or bytes that are no HTTP.",
        )
    return ()


def advice(call: FailedCall, case: Case) -> str:
    request = call.exchange.request
    assert request is not None
    if is_short(request):
        return (
            "Let the client set Content-Length to the bytes of the body (not to its characters),"
            " or leave it to its HTTP library."
        )
    if request.target.startswith("//"):
        return "Take the slash off the end of the client's base URL."
    if fault(request) is not None:
        return "Let one program alone write Host and the fields that frame the body."
    return ABOUT.advice


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
