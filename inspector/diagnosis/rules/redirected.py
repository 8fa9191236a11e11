"""An API call was sent to another address: past the API proxy, or turned into a GET."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, upstream_host
from inspector.model.addresses import split_location
from inspector.model.http import header
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "redirected",
    severity="error",
    title="An API call was sent to another address",
    needs=AGENT_HOP,
    meaning=(
        "The answer to an API call is 301, 302, 303, 307 or 308 with another address. A client"
        " that follows it leaves the API proxy, which writes the key, behind (SDKs take the"
        " credential off for another host), or makes a GET of a POST (301, 302, 303). Where the"
        " same client then got its answer from the address, nothing has failed."
    ),
    advice="Point the API proxy's target at the address that the answer names.",
    shown_by="answer-redirect",
)

#: Statuses after which clients ask with GET, whatever the method was (RFC 9110 15.4.2 to 15.4.4).
_MADE_GET: Final = frozenset({301, 302, 303})


def explains(call: FailedCall, case: Case) -> bool:
    """The call that was sent elsewhere, or the GET that a client made of it there."""
    return call.outcome == "redirected" or case.is_made_get(call)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    method = "" if call.exchange.request is None else call.exchange.request.method
    if call.outcome != "redirected":
        return (
            f"A redirect made a {method} of a POST: {count} x {call.status}"
            f" ({at(call.packet, case)})."
        )
    where = shortened(host_of(call) or split_location(location(call)).path, 34)
    return f"{method} was sent to {where}: {count} x {call.status} ({at(call.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    named = shortened(location(call), 120)
    lines = [f"The answer names {named}."] if call.outcome == "redirected" else []
    host, request = host_of(call), call.exchange.request
    if host and host != upstream_host(call):
        lines.append(f"{host} is another host than the one that the API proxy asked.")
        denied = case.connects.last_refused(lambda name: name == host)
        if denied is not None:
            who = "the agent" if denied.client.ip not in case.api_proxies else "the API proxy"
            status = denied.connect_status
            lines.append(f"Squid refused {who}'s CONNECT {host} with {status} ({denied.id}).")
    if call.status in _MADE_GET and request is not None and request.method == "POST":
        lines.append(f"After {call.status} clients ask with GET and without the body.")
    return tuple(lines)


def advice(call: FailedCall, case: Case) -> str:
    host = host_of(call)
    if call.outcome == "redirected" and host and host != upstream_host(call):
        return answers.filled("Set {target} to ", call) + (
            f"{host} and let Squid pass that domain, so that the API proxy asks it with the key;"
            " a client that follows the redirect itself comes without one."
        )
    if call.outcome == "redirected":
        path = shortened(split_location(location(call)).path, 60)
        return answers.filled("Set the client's {base} so that it asks for ", call) + (
            f"{path} itself, with https and without a doubled or trailing slash."
        )
    return ABOUT.advice


def location(call: FailedCall) -> str:
    """The address that the answer names; its query may be anything, and is left out."""
    response = call.exchange.response
    value = "" if response is None else header(response, "location") or ""
    return value.partition("?")[0]


def host_of(call: FailedCall) -> str:
    """The host of that address; empty where it names none."""
    return split_location(location(call)).host


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
