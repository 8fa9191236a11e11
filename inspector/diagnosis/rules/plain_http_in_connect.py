"""A tunnel in which HTTP is spoken in the clear."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfTunnel, of_tunnel
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "plain-http-in-connect",
    severity="note",
    title="Plain HTTP inside a CONNECT",
    needs="the agent's CONNECTs at Squid",
    meaning="A tunnel to the API proxy carries plain HTTP.",
    advice="Nothing, as long as the calls succeed.",
    shown_by="plain-http-in-connect",
)


def match(tunnel: Tunnel, case: Case) -> Match | None:
    return Match(of_tunnel(tunnel)) if tunnel.protocol == "http/1.1" else None


NOTICE: Final = OfTunnel(ABOUT, match)
