"""What tunnels may be opened to, and what must be inside: judged by each CONNECT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.model.network import Tunnel
from inspector.policy.checks.demand import Demand, Places
from inspector.policy.hearing import Hearing
from inspector.policy.model import Expect

_CONNECTS: Final = "CONNECTs at Squid, refused ones too, and the handshakes in their tunnels"


def _authorities(expect: Expect) -> str | None:
    if expect.tunnels is None or expect.tunnels.authorities is None:
        return None
    return f"tunnels to {', '.join(expect.tunnels.authorities)} only"


def _hold_authorities(hearing: Hearing, wanted: str) -> None:
    rules = hearing.expect.tunnels
    names = {name.lower() for name in (rules.authorities if rules is not None else None) or ()}
    others, unknown = Places(), []
    for tunnel in hearing.tunnels():
        if tunnel.authority is None:
            unknown.append(tunnel.id)
        elif tunnel.authority.lower() not in names:
            others.add(tunnel.authority, tunnel.id)
    others.tell(hearing, wanted, "a CONNECT to {}")
    if unknown:
        hearing.doubt(wanted, "the CONNECT was not seen", unknown)
    else:
        hearing.needs(hearing.is_to_squid, wanted)


def _handshakes(expect: Expect) -> str | None:
    if expect.tunnels is None or expect.tunnels.tls is None:
        return None
    return "a complete TLS handshake in every open tunnel"


def _hold_handshakes(hearing: Hearing, wanted: str) -> None:
    hold_complete(hearing, wanted, hearing.tunnels())


def hold_complete(hearing: Hearing, wanted: str, tunnels: Iterator[Tunnel]) -> None:
    """Hold each open tunnel against "a complete handshake"."""
    whole = hearing.subject.whole
    bad: list[str] = []
    unknown: list[str] = []
    for tunnel in tunnels:
        if tunnel.refusal is not None or tunnel.protocol in ("http/1.1", "h2"):
            continue  # refused, or plaintext whose exchanges are judged as calls
        if tunnel.tls is not None and tunnel.tls.handshake == "complete":
            continue
        if tunnel.established is None and whole and _was_never_answered(tunnel):
            continue
        failed = tunnel.tls is not None and tunnel.tls.handshake == "failed"
        seen = whole and tunnel.established
        (bad if failed or seen else unknown).append(tunnel.id)
    hearing.breach(wanted, "a handshake that was not completed", bad)
    if unknown:
        hearing.doubt(wanted, "whether it opened, and its handshake, were not wholly seen", unknown)
    else:
        hearing.needs(hearing.is_to_squid, wanted)


def _was_never_answered(tunnel: Tunnel) -> bool:
    """In a whole capture: its CONNECT is there, and nothing after it."""
    return tunnel.authority is not None and not (tunnel.bytes_up or tunnel.bytes_down)


CHECKS: Final = (
    Demand(("tunnels",), _CONNECTS, _authorities, _hold_authorities),
    Demand(("tunnels",), _CONNECTS, _handshakes, _hold_handshakes),
)
