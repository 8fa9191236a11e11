"""The tunnel stands and TLS in it does not."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.words import at, plural, told
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "tls-failed-in-tunnel",
    severity="error",
    title="TLS failed inside an established tunnel",
    needs=BOTH_HOPS,
    meaning=(
        "Squid said 200 and the tunnel carried no byte of HTTP: an alert, a close or reset during"
        " the handshake, silence, or a certificate that the API proxy refused (its alert is"
        " encrypted in TLS 1.3)."
    ),
    advice=(
        "Read the API proxy's error; check its CA certificates and what the API's host speaks."
    ),
    shown_by="tls-untrusted",
)


def explains(call: FailedCall, case: Case) -> bool:
    return call.answered_by in ("api-proxy", "nobody") and has_failed(call.tunnel, case)


def has_failed(tunnel: Tunnel | None, case: Case) -> bool:
    """A handshake that ended badly, or a ClientHello that nobody ever answered.

    Silence is one only where nothing is known to be missing.
    """
    if tunnel is None or not tunnel.established:
        return False
    if tunnel.tls is None:
        return tunnel.protocol == "none" and tunnel.closed_at is not None and case.is_whole
    if tunnel.tls.handshake == "failed":
        return True
    return tunnel.tls.handshake == "incomplete" and not tunnel.bytes_down and not case.is_lossy


def how(tunnel: Tunnel) -> str:
    """How it failed, in a few words."""
    tls = tunnel.tls
    if tls is None:
        return "no ClientHello"
    if tls.alerts:
        return f"alert: {tls.alerts[0]}"
    if not tunnel.bytes_down:
        return "silence after the ClientHello"
    if tunnel.closed_by in ("client", "reset-by-client"):
        return "the API proxy left: certificate refused?"
    return "closed during the handshake"


def sentence(call: FailedCall, case: Case, count: int) -> str:
    tunnel = call.tunnel
    assert tunnel is not None
    return f"TLS failed inside {tunnel.id}: {how(tunnel)} ({at(tunnel.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    lines = told(call, case, count)
    return (f"Squid said 200: {plural(count, 'call')}, no byte of HTTP inside.", *lines)


CAUSE: Final = Cause(ABOUT, explains, sentence, details)
