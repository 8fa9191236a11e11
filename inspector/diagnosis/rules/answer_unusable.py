"""A success that is no answer: an error in a 200, nothing, a web page, what no client can take."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.usable import Unusable, unusable
from inspector.diagnosis.words import at, upstream_host
from inspector.model.http import header
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "answer-unusable",
    severity="error",
    title="A success that no client can take",
    needs=AGENT_HOP,
    meaning=(
        "The status says success, and what came is no answer of the API's: an error's object in a"
        " 200, no body at all, a stream in which nothing came but pings, a web page, a content"
        " coding that the client's Accept-Encoding does not list, a redirection without an"
        " address, a status below 100, a Content-Length that is two or not the body's, no switch"
        " to WebSocket, or Content-Length beside Transfer-Encoding, at which the client left. A"
        " log of statuses shows such calls as well."
    ),
    advice="Look at what answered, not at the status; see whether the target is the API.",
    shown_by="answer-error-in-200",
)

_WHAT: Final[dict[Unusable, str]] = {
    "error": "holds an error instead of an answer",
    "nothing": "has no body",
    "silence": "is a stream in which nothing came but pings",
    "page": "is a web page",
    "coding": "is in a coding that the client did not offer",
    "lengths": "states two lengths, no number, or not the length that it has",
    "no-socket": "does not switch to WebSocket, as its client asked",
    "status": "has a status that HTTP does not have",
    "nowhere": "is a redirection without an address",
    "framing": "has Content-Length beside Transfer-Encoding, and its client left",
}
_ADVICE: Final[dict[Unusable, str]] = {
    "error": "Treat it as the error that its body states; the status 200 is that of {host}, which"
    " passed on what somebody behind it said.",
    "nothing": "Ask {host} directly: a gateway that has lost the answer, or a path that takes any"
    " call, answers so.",
    "silence": "Ask {host} directly: a gateway that ends a stream well which has brought nothing"
    " hides what became of the call behind it.",
    "page": "Set {target} to the API's own host: {host} gave a page for people (a sign-in, a"
    " portal) to an API call.",
    "coding": "Let whoever stands between leave Content-Encoding to the client: pass its"
    " Accept-Encoding on to {host}, or decode before answering.",
    "lengths": "Let whoever stands between send one Content-Length: a client cannot tell where the"
    " answer ends, and drops it (RFC 9112 6.3).",
    "no-socket": "Ask {host} directly: whoever answered does not speak WebSocket on this path; let"
    " the agent use HTTP, or let the gateway pass Upgrade on.",
    "status": "See what {host} is: a status is a number from 100 to 599 (RFC 9110 15).",
    "nowhere": "Ask {host} directly: no API answers a call so; a cache or a gateway in between"
    " may.",
    "framing": "Let whoever stands between drop Content-Length where it sends Transfer-Encoding"
    " (RFC 9112 6.2); Node refuses an answer with both.",
}


def explains(call: FailedCall, case: Case) -> bool:
    """Words that are known make a finding of their own, whatever the status is."""
    return call.outcome == "unusable" and answers.is_free(call, ABOUT.code)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    what = _WHAT[_why(call)]
    return f"The answer {what}: {count} x {call.status} ({at(call.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    why, (request, response) = _why(call), (call.exchange.request, call.exchange.response)
    lines = answers.explained(call, case, count)
    assert request is not None
    assert response is not None
    if why == "coding":
        offered = header(request, "accept-encoding") or "nothing"
        used = shortened(response.content_encoding or "", 30)
        lines += (f"Offered: {shortened(offered, 60)}; used: {used}.",)
    elif why == "page":
        host = upstream_host(call) or "whoever answered"
        lines += (f"What {host} sent is text/html, {response.body_bytes:,} bytes.",)
    return lines


def advice(call: FailedCall, case: Case) -> str:
    return answers.filled(_ADVICE[_why(call)], call)


def _why(call: FailedCall) -> Unusable:
    return unusable(call.exchange) or "nothing"


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
