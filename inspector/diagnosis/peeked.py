"""A tunnel that Squid closed behind the ClientHello, and which of three causes it was.

A Squid that peeks has answered the CONNECT with 200 before it knew anything, so that a bare close
before any ServerHello means that a rule forbids the server name, that the host cannot be reached,
or that the host itself closed.  The packets look alike; Squid's log tells them apart by the line
of that client's port (measured with squid-openssl 5.7):

    denied          `200 NONE_NONE:HIER_NONE` alone: nothing follows, and nothing says denied
    cannot-connect  then `503 NONE_NONE:HIER_DIRECT`
    no-way          then `500` or `503 NONE_NONE:HIER_NONE`
    upstream-closed then `TCP_TUNNEL:HIER_DIRECT`: a tunnel was made
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.model.network import Tunnel

Settled: TypeAlias = Literal["denied", "cannot-connect", "no-way", "upstream-closed"]

_BY_SQUIDS_SIDE: Final = ("server", "reset-by-server")


def is_closed_before_hello(tunnel: Tunnel | None) -> bool:
    """Whether the proxy's side closed behind the ClientHello without one byte of its own."""
    return (
        tunnel is not None
        and tunnel.established is True
        and tunnel.tls is not None
        and tunnel.tls.handshake == "failed"
        and not tunnel.bytes_down
        and tunnel.closed_by in _BY_SQUIDS_SIDE
    )


def settled(tunnel: Tunnel, case: Case) -> Settled | None:
    """Return what the log, or the egress leg, says of such a tunnel; None where nothing does."""
    if tunnel.egress is not None:
        return "upstream-closed"
    lines = case.logged.get(tunnel.id, [])
    opening = [line for line in lines if line.status == 200 and _how(line.decision)[0] == "NONE"]
    rest = [line for line in lines if line not in opening]
    for line in rest:
        decision, way = _how(line.decision)
        if decision == "DENIED" or line.status == 403:
            return "denied"
        if decision == "TUNNEL":
            return "upstream-closed"
        if (line.status or 0) >= 500:
            return "cannot-connect" if way == "DIRECT" else "no-way"
    return "denied" if opening and not rest else None


def _how(decision: str) -> tuple[str, str]:
    """`TCP_TUNNEL:HIER_DIRECT` as `("TUNNEL", "DIRECT")`."""
    code, _, way = decision.partition(":")
    return code.rpartition("_")[2], way.rpartition("_")[2]


def of_call(call: FailedCall, case: Case) -> Settled | None:
    """What is settled of a call's tunnel, where Squid's side closed it before any ServerHello."""
    tunnel = call.tunnel
    if tunnel is None or not is_closed_before_hello(tunnel):
        return None
    if call.answered_by not in ("api-proxy", "nobody"):
        return None
    return settled(tunnel, case)
