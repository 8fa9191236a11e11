"""Squid's rules refuse the host or the port."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import Cause, Match, OfTunnel, of_tunnel
from inspector.diagnosis.words import at, authority, relayed, squid_error
from inspector.model.network import Tunnel


def explains(call: FailedCall, case: Case) -> bool:
    return "ERR_ACCESS_DENIED" in squid_error(call) or (
        call.answered_by == "forward-proxy" and call.is_read and call.status == 403
    )


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return f"Squid denied {authority(call)}: {count} x 403 ({at(call.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    return relayed(call)


def match(tunnel: Tunnel, case: Case) -> Match | None:
    """A call that got no further than its CONNECT to the API proxy."""
    return Match(of_tunnel(tunnel)) if case.is_barred(tunnel) else None


OF_TUNNELS: Final = OfTunnel("squid-denied", match)
CAUSE: Final = Cause("squid-denied", explains, sentence, details)
