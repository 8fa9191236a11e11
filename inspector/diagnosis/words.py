"""Phrases that several rules share: sentences of at most 76 columns, each with its packet."""

from __future__ import annotations

from typing import Final

from inspector.credentials.kinds import label
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.index import closed_moment
from inspector.model.network import Refusal
from inspector.secrets.labels import shortened
from inspector.wire import packet_label, precedes

#: Columns of a sentence.
LINE: Final = 76
#: The longest quotation of an error, in characters: its end often says what to do.
_QUOTED: Final = 300
#: Statuses that may be about a credential.
_OF_CREDENTIALS: Final = frozenset({400, 401, 403})


def plural(count: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def at(packet: int, case: Case) -> str:
    """Where to look: `packet 30`, or `packet 2:30` where there are several files."""
    return f"packet {packet_label(packet, several_files=case.several_files)}"


def span(first: int, last: int, case: Case) -> str:
    """From where to where to look: `packets 3-17`, or `packets 1:3-2:17`."""
    ends = (packet_label(packet, several_files=case.several_files) for packet in (first, last))
    return "packets {}-{}".format(*ends)


def arrived(call: FailedCall, case: Case) -> tuple[str, ...]:
    """The credentials that the API got and refused, where they were read inside the tunnel."""
    request = None if call.inner is None else call.inner.request
    if request is None or not request.complete or call.status not in _OF_CREDENTIALS:
        return ()
    told = []
    for auth in request.auth:
        anomalies = [anomaly.replace("-", " ") for anomaly in auth.credential.anomalies]
        odd = f" ({', '.join(anomalies)})" if anomalies else ""
        told.append(" ".join(filter(None, (auth.name, auth.scheme, label(auth.credential)))) + odd)
    got = ", ".join(told) or "no credential"
    return (f"Inside the tunnel the API got {got} ({at(request.packet, case)}).",)


def answer(call: FailedCall) -> str:
    """The status, with what the error calls itself: `401 authentication_error`."""
    response = call.exchange.response
    if response is None:
        return "no answer"
    error = response.api_error
    kind = error.type if error is not None else None
    return f"{response.status} {shortened(kind, 32)}" if kind else str(response.status)


def told(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    """What the error says, in the API's own words."""
    response = call.exchange.response
    error = response.api_error if response is not None else None
    if error is None or not error.message:
        return ()
    message = shortened(" ".join(error.message.split()), _QUOTED)
    return (f'{call.exchange.id}: "{message}"',)


def squid_error(call: FailedCall) -> str:
    """Return the `X-Squid-Error` of Squid's page or refusal of the CONNECT; empty without one."""
    if call.answered_by == "forward-proxy" and (error := call.header("x-squid-error")):
        return error
    refusal = refusal_of(call)
    return "" if refusal is None else refusal.error or ""


def refusal_of(call: FailedCall) -> Refusal | None:
    """Return the refusal of a CONNECT that explains a call; None where the answer is another's."""
    refusal = None if call.refused is None else call.refused.refusal
    if refusal is None:
        return None
    if call.answered_by in ("api-proxy", "nobody", "forward-proxy"):
        return refusal
    # Passed on without Squid's own field it looks like an API's.
    return refusal if call.status == refusal.status else None


def authority(call: FailedCall) -> str:
    """The host that Squid was asked for."""
    tunnel, request = call.refused or call.tunnel, call.exchange.request
    if call.exchange.hop == "agent-to-forward-proxy" and request is not None and request.host:
        return shortened(request.host, 40)
    if tunnel is not None and tunnel.authority:
        return shortened(tunnel.authority.removesuffix(":443"), 40)
    return f"{call.exchange.provider}'s host"


def upstream_host(call: FailedCall) -> str | None:
    """The host that the API proxy's tunnel for a call leads to; None where that is not known."""
    tunnel = call.tunnel
    return None if tunnel is None else shortened(tunnel.host, 80) or None


def relayed(call: FailedCall) -> tuple[str, ...]:
    """That the agent got Squid's page for an answer."""
    response = call.exchange.response
    if call.answered_by != "forward-proxy" or response is None:
        return ()
    if call.exchange.hop == "agent-to-forward-proxy":
        return ()
    size = f"{response.body_bytes:,}-byte HTML page"
    return (f"Its {size} was relayed as the API's {response.status}. No key left the API proxy.",)


def is_stream(call: FailedCall) -> bool:
    """Whether the answer is an event stream."""
    response = call.exchange.response
    return response is not None and response.stream is not None


def events(call: FailedCall) -> int:
    """How many events of its stream arrived."""
    response = call.exchange.response
    return 0 if response is None or response.stream is None else response.stream.events


def bytes_down(call: FailedCall) -> int:
    """How many bytes of the answer arrived: of its body, or none at all."""
    response = call.exchange.response
    return 0 if response is None else response.body_bytes


def first_to_close(call: FailedCall, case: Case) -> str | None:
    """Which side ended first: "upstream", "the API proxy" or "the client"; None if not known."""
    tunnel, connection = call.tunnel, call.connection
    if tunnel is None or connection is None or connection.closed_at is None:
        return None
    agent = _SIDE[connection.closed_by or ""]
    if tunnel.closed_at is None:
        return agent
    ours, theirs = closed_moment(connection), closed_moment(case.connections.get(tunnel.connection))
    agent_first = ours is not None and theirs is not None and precedes(ours, theirs)
    return agent if agent_first else _TUNNEL_SIDE[tunnel.closed_by or ""]


def who_broke_off(call: FailedCall, case: Case) -> str:
    """What to do about an answer that broke off, told from which side closed first."""
    first, tunnel = first_to_close(call, case), call.tunnel
    if first == "upstream" and tunnel is not None:
        return (
            f"The API, or the way to it, broke off {tunnel.id}: try again; if it recurs, give the"
            " provider the request-id of the answer"
        )
    if first == "the API proxy":
        return f"The API proxy closed first: read its log for the request of {call.exchange.id}"
    return (
        "Which side broke off is not known: capture with the tunnel's keys (--keylog), then the"
        " report holds both sides against each other"
    )


def order_of_closing(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    """Which leg ended first, and from which side."""
    tunnel, connection = call.tunnel, call.connection
    if tunnel is None or connection is None or connection.closed_at is None:
        return ()
    agent = f"{call.exchange.id}'s connection by {_SIDE[connection.closed_by or '']}"
    if tunnel.closed_at is None:
        return (f"Closed first: {agent}; {tunnel.id} stayed open.",)
    far = f"{tunnel.id} by {_TUNNEL_SIDE[tunnel.closed_by or '']}"
    ours, theirs = closed_moment(connection), closed_moment(case.connections.get(tunnel.connection))
    agent_first = ours is not None and theirs is not None and precedes(ours, theirs)
    first, second = (agent, far) if agent_first else (far, agent)
    return (f"Closed first: {first}, then {second}.",)


_SIDE: Final = {
    "client": "the client",
    "reset-by-client": "the client",
    "server": "the API proxy",
    "reset-by-server": "the API proxy",
    "": "nobody",
}
_TUNNEL_SIDE: Final = {
    "client": "the API proxy",
    "reset-by-client": "the API proxy",
    "server": "upstream",
    "reset-by-server": "upstream",
    "": "nobody",
}
