"""Squid's rules refuse the host, the port, the server name, or one connection more."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import peeked
from inspector.diagnosis.attempts import barred
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.denials import Denial, denial
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code, Match, OfTunnel, of_tunnel
from inspector.diagnosis.words import at, authority, relayed, squid_error
from inspector.model.network import ACCESS_DENIED, Tunnel
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "squid-denied",
    severity="error",
    title="Squid denied the host or port",
    needs=BOTH_HOPS,
    meaning=(
        "Squid answered CONNECT with 403. The API proxy relays Squid's HTML page as if it were"
        " the API's answer; no key left. Or the agent asked Squid for the API proxy itself, as"
        " clients do that ignore NO_PROXY, and Squid does not let the port through. A Squid that"
        " peeks at the ClientHello says 200, and closes when the server name is not allowed: its"
        " log then has a line 200 NONE_NONE:HIER_NONE and no other. Where the same destination"
        " was let through for the same client nearby, the rule is on something else: the number"
        " of connections, the time."
    ),
    advice="Add the domain to the allow-list, or use a port that Squid lets through.",
    shown_by="squid-denied",
)


def explains(call: FailedCall, case: Case) -> bool:
    if ACCESS_DENIED in squid_error(call) or peeked.of_call(call, case) == "denied":
        return True
    return call.answered_by == "forward-proxy" and call.is_read and call.status == 403


def sentence(call: FailedCall, case: Case, count: int) -> str:
    where = at(call.packet, case)
    if peeked.of_call(call, case) == "denied":
        return f"Squid denied {shortened(_name(call), 24)} at its ClientHello: {count} x ({where})."
    return f"Squid denied {authority(call)}: {count} x 403 ({where})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    if peeked.of_call(call, case) == "denied":
        return ("Its log has 200 NONE_NONE:HIER_NONE alone: it closed at the ClientHello.",)
    found = _denial(call, case)
    return ((found.told,) if found is not None else ()) + relayed(call)


def _name(call: FailedCall) -> str:
    tunnel = call.tunnel
    sni = None if tunnel is None or tunnel.tls is None else tunnel.tls.sni
    return shortened(sni or authority(call), 40)


def _denial(call: FailedCall, case: Case) -> Denial | None:
    """Return what the rule is about, where it is known what was asked for."""
    tunnel = call.refused or call.tunnel
    if tunnel is not None and tunnel.authority is not None:
        return denial(tunnel.authority, tunnel.client.ip, case)
    return None


def advice(call: FailedCall, case: Case) -> str:
    if peeked.of_call(call, case) == "denied":
        return (
            f"Add the server name to the allow-list: {_name(call)} (the firewall's"
            " --allow-domains; network.allowed of an agentic workflow)."
        )
    found = _denial(call, case)
    return ABOUT.advice if found is None else found.advice


def match(tunnel: Tunnel, case: Case) -> Match | None:
    """A call that got no further than its CONNECT to the API proxy."""
    return Match(of_tunnel(tunnel)) if barred(tunnel, case) == ABOUT.code else None


OF_TUNNELS: Final = OfTunnel(ABOUT, match)
CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
