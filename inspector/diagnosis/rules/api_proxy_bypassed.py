"""The agent opens tunnels to an API's host itself."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfTunnel, of_tunnel
from inspector.exchanges.topology import HOSTS
from inspector.facts import Tunnel


def match(tunnel: Tunnel, case: Case) -> Match | None:
    """An error where no call came to the API proxy, else a warning."""
    if tunnel.client.ip not in case.topology.agent or not tunnel.established:
        return None
    if not tunnel.authority or not _is_api(tunnel.authority):
        return None
    return Match(of_tunnel(tunnel), "warning" if case.calls else "error")


def _is_api(authority: str) -> bool:
    host = authority.rpartition(":")[0].lower()
    for pattern, _ in HOSTS:
        start, star, end = pattern.partition("*")
        if host == pattern or (star and host.startswith(start) and host.endswith(end)):
            return True
    return False


NOTICE: Final = OfTunnel("api-proxy-bypassed", match)
