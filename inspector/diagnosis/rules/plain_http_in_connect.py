"""A tunnel in which HTTP is spoken in the clear."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfTunnel, of_tunnel
from inspector.model.network import Tunnel


def match(tunnel: Tunnel, case: Case) -> Match | None:
    return Match(of_tunnel(tunnel)) if tunnel.protocol == "http/1.1" else None


NOTICE: Final = OfTunnel("plain-http-in-connect", match)
