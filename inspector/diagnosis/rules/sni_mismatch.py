"""The server name in TLS is not that of the CONNECT."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfTunnel, of_tunnel
from inspector.model.addresses import is_address
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "sni-mismatch",
    severity="warning",
    title="The name in TLS is not the name in CONNECT",
    needs="the tunnel's CONNECT and ClientHello",
    meaning=(
        "The server name that the client asked for in TLS differs from the tunnel's authority."
    ),
    advice="Look at who opened the tunnel and why; domain fronting looks like this.",
)


def match(tunnel: Tunnel, case: Case) -> Match | None:
    """An address never can be a name in TLS (RFC 6066 3), so that it differs from none."""
    if tunnel.tls is None or not tunnel.tls.sni:
        return None
    host = tunnel.host
    if not host or is_address(host) or host == tunnel.tls.sni.lower().rstrip("."):
        return None
    return Match(of_tunnel(tunnel))


NOTICE: Final = OfTunnel(ABOUT, match)
