"""Squid said 200, and then nothing went through."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfTunnel, of_tunnel
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "tunnel-without-data",
    severity="note",
    title="A tunnel was established and carried nothing",
    needs="the tunnel, whole",
    meaning="Squid said 200 and not one byte followed. Its log has the 200 all the same.",
    advice="Nothing by itself.",
)


def match(tunnel: Tunnel, case: Case) -> Match | None:
    carried = tunnel.bytes_up or tunnel.bytes_down
    empty = tunnel.established and tunnel.authority and not carried
    return Match(of_tunnel(tunnel)) if empty else None


NOTICE: Final = OfTunnel(ABOUT, match)
