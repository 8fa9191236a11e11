"""A hop gave up: its own time limit ended the call while its tunnel stood and was silent."""

from __future__ import annotations

from typing import Final

from inspector.chain.evidence import SILENCE
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.groups import kind_of
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.words import LINE, answer, at, told
from inspector.regex import regex

ABOUT: Final = Code(
    "gateway-timeout",
    severity="error",
    title="A proxy before the API gave up waiting",
    needs=BOTH_HOPS,
    meaning=(
        "The answer is the proxy's own, written when its time limit was over. Its tunnel stood,"
        " nothing came through it, and nobody closed it: the API was still at work, or its answer"
        " was lost behind the forward proxy. Waits of equal length point to a limit that was set."
    ),
    advice=(
        "Raise that proxy's time limit for answers (Envoy: the route's timeout; nginx:"
        " proxy_read_timeout; HAProxy: timeout server; litellm: request_timeout), or stream the"
        " answer, so that bytes come early."
    ),
    shown_by="nginx-timeout",
)

#: Statuses with which a proxy says that nobody answered it in time (RFC 9110 15.5.9, 15.6.3-5);
#: some say it with a plain 500.
STATUSES: Final = frozenset({408, 500, 502, 503, 504})
#: Words about a limit that was over: litellm and Envoy.
_SAYS: Final = regex(r"timeout passed=[0-9.]|upstream request timeout")
#: Waits that differ by less than a tenth, or by this (ns), are one limit.
ALIKE: Final = 100_000_000


def explains(call: FailedCall, case: Case) -> bool:
    """The tunnel stands, is open, and brought nothing for a while when the proxy answered."""
    tunnel, response = call.tunnel, call.exchange.response
    if call.answered_by != "api-proxy" or call.status not in STATUSES or response is None:
        return False
    if call.given_up_by is not None:
        return True
    if tunnel is None:
        # Which tunnel was its own is not sure; that its limit was over it says itself.
        return case.may_have_tunnel(call) and _SAYS.search(call.message) is not None
    if not tunnel.established:
        return False
    if tunnel.tls is not None and tunnel.tls.handshake == "failed":
        return False
    ended = tunnel.closed_by in ("server", "reset-by-server") and (
        tunnel.closed_at is not None and tunnel.closed_at <= response.started_at
    )
    heard = tunnel.opened_at if tunnel.last_down_at is None else tunnel.last_down_at
    return not ended and response.started_at - heard >= SILENCE


def waited(call: FailedCall) -> int:
    """How long (ns) the proxy waited: from the request's end to its answer."""
    request, response = call.exchange.request, call.exchange.response
    if request is None or response is None:
        return 0
    return response.started_at - (request.ended_at or request.started_at)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    who = call.exchange.server.ip
    name = f"The API proxy ({who})" if who in case.api_proxies else f"The proxy {who}"
    said = (
        f"gave up after {waited(call) / 1e9:.1f} s: {count} x {answer(call)}"
        f" ({at(call.packet, case)})."
    )
    whole = f"{name} {said}"
    return whole if len(whole) <= LINE else f"{name.partition(' (')[0]} {said}"


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    lines = list(told(call, case, count))
    if call.given_up_by is not None:
        lines.append(f"{call.given_up_by}, its call at the API proxy, was still waiting then.")
    elif call.tunnel is not None:
        lines.append(f"{call.tunnel.id} stood open, and nothing came through it meanwhile.")
    if count > 1:
        kind = kind_of(call)
        waits = [
            waited(other)
            for other in case.failed_calls()
            if kind_of(other) == kind and explains(other, case)
        ]
        if max(waits) - min(waits) <= max(ALIKE, max(waits) // 10):
            lines.append(f"All {count} waited {max(waits) / 1e9:.1f} s: a limit that was set.")
        else:
            lines.append(f"They waited {min(waits) / 1e9:.1f} to {max(waits) / 1e9:.1f} s.")
    return tuple(lines)


CAUSE: Final = Cause(ABOUT, explains, sentence, details, "what the API did meanwhile")
