"""Squid said 200, and then nothing went through."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfTunnel, of_tunnel
from inspector.model.network import Tunnel


def match(tunnel: Tunnel, case: Case) -> Match | None:
    carried = tunnel.bytes_up or tunnel.bytes_down
    empty = tunnel.established and tunnel.authority and not carried
    return Match(of_tunnel(tunnel)) if empty else None


NOTICE: Final = OfTunnel("tunnel-without-data", match)
