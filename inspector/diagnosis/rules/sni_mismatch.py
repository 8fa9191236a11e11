"""The server name in TLS is not that of the CONNECT."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfTunnel, of_tunnel
from inspector.facts import Tunnel


def match(tunnel: Tunnel, case: Case) -> Match | None:
    if tunnel.tls is None or not tunnel.tls.sni or not tunnel.authority:
        return None
    host = tunnel.authority.rpartition(":")[0].strip("[]").lower()
    unlike = host and host != tunnel.tls.sni.lower().rstrip(".")
    return Match(of_tunnel(tunnel)) if unlike else None


NOTICE: Final = OfTunnel("sni-mismatch", match)
