"""A network in front of the API answered instead of it: a challenge, a block, an origin away."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.edges import ORIGIN, edge_of, is_challenge
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import answer, at

ABOUT: Final = Code(
    "edge-refused",
    severity="error",
    title="Something in front of the API refused, before the API looked",
    needs=AGENT_HOP,
    meaning=(
        "The answer is not the API's but that of the network in front of it (Cloudflare, Akamai,"
        " CloudFront, Fastly and others): a page that challenges a browser, a block of the address"
        " or the country that the call left by, or a page that says why the API's own server gave"
        " no answer (520 to 530, a web page with 502 or 504). No key was judged."
    ),
    advice="Let Squid leave by another address, or ask the provider to let this one in.",
    shown_by="edge-challenge",
)


def explains(call: FailedCall, case: Case) -> bool:
    row = answers.known(call)
    if row is not None:
        return row.code == ABOUT.code
    return edge_of(call) is not None


def _is_origins(call: FailedCall) -> bool:
    """Whether the network in front let the call in and got no answer for it."""
    return (call.status or 0) >= 500 and call.status != 503 and answers.known(call) is None


def sentence(call: FailedCall, case: Case, count: int) -> str:
    edge = edge_of(call)
    who = "The API's edge" if edge in (None, "somebody") else f"{edge}, in front of the API,"
    does = "got no answer from the API" if _is_origins(call) else "refused"
    return f"{who} {does}: {count} x {answer(call)} ({at(call.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    lines = answers.explained(call, case, count)
    response = call.exchange.response
    if answers.known(call) is not None or response is None:
        return lines
    if call.status in ORIGIN:
        return (*lines, f"{call.status} means that {ORIGIN[call.status]}.")
    if is_challenge(call):
        return (*lines, "It asks for a browser's challenge, which no API client can pass.")
    kind = "a web page" if response.content_type in ("text/html",) else "no JSON"
    return (*lines, f"What came is {kind} of {response.body_bytes:,} bytes: no API answers so.")


def advice(call: FailedCall, case: Case) -> str:
    if answers.known(call) is not None:
        return answers.advice(ABOUT, call)
    if _is_origins(call):
        return answers.filled("Try again later, and see {provider}'s status page: {host} let the"
                              " call in, and nothing on this side is wrong.", call)  # fmt: skip
    return answers.filled(
        "Let Squid leave by another address (that of a data center is often challenged), or ask"
        " {provider} to let this one in at {host}; the key was not judged.",
        call,
    )


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
