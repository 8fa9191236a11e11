"""The server name in TLS is not that of the CONNECT."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfTunnel, of_tunnel
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


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def match(tunnel: Tunnel, case: Case) -> Match | None:
    """An address never can be a name in TLS (RFC 6066 3), so that it differs from none."""
    if tunnel.tls is None or not tunnel.tls.sni or not tunnel.authority:
        return None
    host = tunnel.authority.rpartition(":")[0].strip("[]").lower()
    if not host or _is_address(host) or host == tunnel.tls.sni.lower().rstrip("."):
        return None
    return Match(of_tunnel(tunnel))


NOTICE: Final = OfTunnel(ABOUT, match)
