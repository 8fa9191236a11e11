"""Plain HTTP inside a CONNECT, where whoever took the tunnel wants TLS."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.index import Service
from inspector.diagnosis.rule import Cause, Code
from inspector.diagnosis.words import at, plural
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "tls-expected",
    severity="error",
    title="A box in the middle wants TLS where plain HTTP was sent",
    needs="the agent's CONNECTs at Squid, and what went through them",
    meaning=(
        "The agent's client asked for a tunnel to the API proxy (it ignores NO_PROXY for bare"
        " addresses) and spoke plain HTTP in it, which is right for the API proxy. Whoever answered"
        " the CONNECT takes everything in a tunnel for TLS (ssl_bump, TLS inspection): it sent an"
        " alert, its page, or closed, and the API proxy never saw the call."
    ),
    advice=(
        "Let the client call the API proxy without a proxy: put its address, and no range, into"
        " NO_PROXY and no_proxy, or take HTTP_PROXY and HTTPS_PROXY from the client's environment;"
        " or let Squid pass tunnels to it unread (ssl_bump splice, on_unsupported_protocol tunnel)."
    ),
)

#: Squid's names for a first message that is no TLS (errorpage.cc, `on_unsupported_protocol`).
_NO_TLS: Final = ("ERR_PROTOCOL_UNKNOWN", "ERR_UNSUP_REQ", "ERR_INVALID_REQ", "ERR_SECURE_ACCEPT")


def tunnel_of(call: FailedCall, case: Case) -> Tunnel | None:
    """Return the agent's tunnel to the API proxy in which a call was made."""
    if call.exchange.tunnel is None or not case.is_first_leg(call.exchange):
        return None
    return case.tunnels.get(call.exchange.tunnel)


def explains(call: FailedCall, case: Case) -> bool:
    """TLS or a page about it came back; or nothing, and nobody came to the API proxy either."""
    tunnel = tunnel_of(call, case)
    if tunnel is None:
        return False
    if tunnel.tls_answer is not None:
        return True
    if call.exchange.response is not None:
        return call.header("x-squid-error").startswith(_NO_TLS)
    if tunnel.bytes_down or tunnel.closed_by not in ("server", "reset-by-server"):
        return False
    service = case.contacts.services.get((tunnel.host, tunnel.port or 0), Service())
    # Squid's own connection to the API proxy would have come between.
    return not case.not_read.is_lossy and not service.accepted_after(
        (tunnel.opened_at, tunnel.packet)
    )


def sentence(call: FailedCall, case: Case, count: int) -> str:
    tunnel = tunnel_of(call, case)
    assert tunnel is not None
    return (
        f"Plain HTTP inside {tunnel.id}, where TLS was expected:"
        f" {plural(count, 'call')} ({at(call.packet, case)})."
    )


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    tunnel = tunnel_of(call, case)
    assert tunnel is not None
    answered = "a bare close" if tunnel.tls_answer is None else f"TLS, {tunnel.tls_answer}"
    if call.exchange.response is not None:
        answered = f"its page, {call.exchange.response.status}"
    return (
        f"The CONNECT to {tunnel.authority} got 200 from {tunnel.proxy.ip}.",
        f"The call in it got {answered}.",
    )


CAUSE: Final = Cause(ABOUT, explains, sentence, details)
