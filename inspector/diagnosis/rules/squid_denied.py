"""Squid's rules refuse the host or the port."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code, Match, OfTunnel, of_tunnel
from inspector.diagnosis.words import at, authority, relayed, squid_error
from inspector.model.network import ACCESS_DENIED, Tunnel

ABOUT: Final = Code(
    "squid-denied",
    severity="error",
    title="Squid denied the host or port",
    needs=BOTH_HOPS,
    meaning=(
        "Squid answered CONNECT with 403. The API proxy relays Squid's HTML page as if it were"
        " the API's answer; no key left. Or the agent asked Squid for the API proxy itself, as"
        " clients do that ignore NO_PROXY, and Squid does not let the port through."
    ),
    advice="Add the domain to the allow-list, or use a port that Squid lets through.",
    shown_by="squid-denied",
)


def explains(call: FailedCall, case: Case) -> bool:
    return ACCESS_DENIED in squid_error(call) or (
        call.answered_by == "forward-proxy" and call.is_read and call.status == 403
    )


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"Squid denied {authority(call)}: {count} x 403 ({at(call.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    return relayed(call)


def match(tunnel: Tunnel, case: Case) -> Match | None:
    """A call that got no further than its CONNECT to the API proxy."""
    return Match(of_tunnel(tunnel)) if case.is_barred(tunnel) else None


OF_TUNNELS: Final = OfTunnel(ABOUT, match)
CAUSE: Final = Cause(ABOUT, explains, sentence, details)
