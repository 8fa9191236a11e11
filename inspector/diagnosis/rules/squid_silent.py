"""Squid took the connection and the CONNECT, and never answered."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import BOTH_HOPS, Cause, Code
from inspector.diagnosis.words import at, plural, told
from inspector.model.network import Tunnel
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "squid-silent",
    severity="error",
    title="Squid took the CONNECT and did not answer",
    needs=BOTH_HOPS,
    meaning=(
        "Squid accepted the connection and the CONNECT, and not one byte came back until the API"
        " proxy, the agent or Squid gave up. Squid answers as soon as it has resolved and connected"
        " (one that peeks: at once): it waits for a resolver or for the host, is overloaded or"
        " stopped, or something else listens on its port. A denial would have been a 403."
    ),
    advice=(
        "Look at Squid's cache.log and load, and at its resolver (dns_nameservers, dns_timeout) and"
        " connect_timeout (30 s): resolve and connect to the host inside its container."
    ),
)


def tunnel_of(call: FailedCall, case: Case) -> Tunnel | None:
    """Return the CONNECT of a call that got no byte in answer; missing packets may hide some.

    Which of several is the call's need not be known where none was answered.
    """
    if call.answered_by not in ("api-proxy", "nobody") or case.not_read.is_lossy:
        return None
    asked = call.tunnels[-1:] or case.asked_meanwhile(call.exchange, call.connection)
    return asked[-1] if asked and all(_is_unanswered(tunnel, case) for tunnel in asked) else None


def _is_unanswered(tunnel: Tunnel, case: Case) -> bool:
    """Whether Squid took its connection, and then said nothing.

    Of one that carried a CONNECT, and that nobody seems to have taken, packets are missing.
    """
    connection = case.connections.get(tunnel.connection)
    if connection is None or connection.outcome != "established":
        return False
    return tunnel.authority is not None and tunnel.connect_status is None and not tunnel.interim


def explains(call: FailedCall, case: Case) -> bool:
    return tunnel_of(call, case) is not None


def sentence(call: FailedCall, case: Case, count: int) -> str:
    tunnel = tunnel_of(call, case)
    assert tunnel is not None
    where, authority = at(tunnel.packet, case), (tunnel.authority or "").removesuffix(":443")
    asked = shortened(authority, 32)
    return f"Squid never answered CONNECT {asked}: {plural(count, 'call')} ({where})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    tunnel = tunnel_of(call, case)
    assert tunnel is not None
    if tunnel.closed_at is None:
        waited = "It was still open when the capture ended."
    else:
        by = "Squid" if tunnel.closed_by in ("server", "reset-by-server") else "The API proxy"
        waited = f"{by} closed it after {(tunnel.closed_at - tunnel.opened_at) / 1e9:.1f} s."
    return (waited, *told(call, case, count))


CAUSE: Final = Cause(ABOUT, explains, sentence, details, "why Squid did not answer")
