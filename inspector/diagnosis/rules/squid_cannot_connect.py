"""Squid's own connection to the host failed; it names the errno."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import attempts, peeked
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code, Match, OfTunnel, of_tunnel
from inspector.diagnosis.words import at, authority, plural, relayed, squid_error
from inspector.model.network import CONNECT_FAILED, Tunnel

ABOUT: Final = Code(
    "squid-cannot-connect",
    severity="error",
    title="Squid cannot connect to the API",
    needs=BOTH_HOPS,
    meaning=(
        "Squid answered 503 ERR_CONNECT_FAIL with an errno: 111 refused, 113 no route, 110 timed"
        " out. A Squid that peeks at the ClientHello has answered 200 by then: it closes the"
        " tunnel, and its log alone says 503."
    ),
    advice=("Try the connection from Squid's container; look at routes and firewalls behind it."),
    shown_by="squid-connection-refused",
)

#: Linux errno of a failed connect.
ERRNO: Final = {"111": "refused", "113": "no route", "110": "timed out", "101": "unreachable"}


def explains(call: FailedCall, case: Case) -> bool:
    if CONNECT_FAILED in squid_error(call) or peeked.of_call(call, case) == "cannot-connect":
        return True
    return call.answered_by == "forward-proxy" and call.is_read and (call.status or 0) >= 500


def sentence(call: FailedCall, case: Case, count: int) -> str:
    errno = squid_error(call).rpartition(" ")[2]
    why = f"{errno}, {ERRNO[errno]}" if errno in ERRNO else squid_error(call) or "5xx"
    if peeked.of_call(call, case) is not None:
        why = "by its log"
    return (
        f"Squid cannot reach {authority(call)} ({why}):"
        f" {plural(count, 'call')} ({at(call.packet, case)})."
    )


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    if peeked.of_call(call, case) is not None:
        return ("Its log has 5xx HIER_DIRECT behind the 200 to CONNECT: no connection.",)
    return relayed(call)


def match(tunnel: Tunnel, case: Case) -> Match | None:
    """A call that got no further than its CONNECT to the API proxy, which Squid cannot reach."""
    return Match(of_tunnel(tunnel)) if attempts.barred(tunnel, case) == ABOUT.code else None


OF_TUNNELS: Final = OfTunnel(ABOUT, match)
CAUSE: Final = Cause(ABOUT, explains, sentence, details)
