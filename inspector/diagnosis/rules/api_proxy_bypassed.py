"""The agent opens ways to an API's host itself, by way of Squid."""

from __future__ import annotations

from typing import Final

from inspector.chain.answerer import answered_by
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import (
    Code,
    Match,
    OfHeld,
    OfTunnel,
    of_exchange,
    of_tunnel,
)
from inspector.exchanges.neighbourhood import asked_host, tunnel_hosts
from inspector.exchanges.topology import provider_of
from inspector.model.conclusions import Evidence, Severity
from inspector.model.http import Exchange
from inspector.model.network import Tunnel
from inspector.model.providers import UNKNOWN

ABOUT: Final = Code(
    "api-proxy-bypassed",
    severity="error",
    title="The agent goes past the API proxy",
    needs="the agent's CONNECTs and requests at Squid",
    meaning=(
        "The agent itself opens tunnels to an API's host, told by the CONNECT or by the name in"
        " TLS, or asks Squid for it in plaintext. What it holds is a placeholder, which no API"
        " accepts, or a real key, which it should not have. An error where no call came to the"
        " API proxy at all, else a warning."
    ),
    advice=("Point the client's base URL at the API proxy; look for a client that ignores it."),
    shown_by="agent-bypasses-proxy",
)


def of_connect(tunnel: Tunnel, case: Case) -> Match | None:
    """A tunnel, whatever its CONNECT says, in which TLS names an API's host."""
    if tunnel.client.ip not in case.agents or not tunnel.established:
        return None
    if not any(_is_api(name, case) for name in tunnel_hosts(tunnel)):
        return None
    return Match(of_tunnel(tunnel), _severity(case))


def answers(case: Case) -> tuple[dict[int, int], bool]:
    """What the API answered to those that went past, by status, and whether all of it was read.

    Inside TLS it is read with keys alone.
    """
    statuses: dict[int, int] = {}
    is_whole = True
    for tunnel in case.tunnels:
        if of_connect(tunnel, case) is None:
            continue
        if tunnel.tls is not None:
            read = tunnel.decryption
            is_whole = is_whole and read is not None and read.state == "decrypted"
        for name in tunnel.exchanges:
            exchange = case.exchanges.get(name)
            if exchange is not None and exchange.response is not None:
                status = exchange.response.status
                statuses[status] = statuses.get(status, 0) + 1
    return statuses, is_whole


def concerns(exchange: Exchange, case: Case) -> bool:
    """Who is an agent is told by all calls."""
    return exchange.server.ip in case.forward_proxies


def of_request(exchange: Exchange, case: Case) -> Match | None:
    """A plain request to an API's host, unless Squid denied it."""
    if exchange.client.ip not in case.agents or exchange.tunnel is not None:
        return None
    if exchange.server.ip not in case.forward_proxies or not _is_api(asked_host(exchange), case):
        return None
    response = exchange.response
    denied = response is not None and answered_by(response) == "forward-proxy"
    return None if denied else Match(of_exchange(exchange), _severity(case))


def where(evidence: Evidence, case: Case) -> tuple[str, int]:
    """The host of a match, and the packet that shows it."""
    if evidence.exchange is not None:
        exchange = case.exchanges.get(evidence.exchange)
        assert exchange is not None
        return asked_host(exchange), evidence.packet or 1
    tunnel = case.tunnels.get(evidence.tunnel or "t0")
    assert tunnel is not None
    return next(name for name in tunnel_hosts(tunnel) if _is_api(name, case)), tunnel.packet


def _is_api(host: str, case: Case) -> bool:
    """Whether it is an API's host to which a way past an API proxy leads."""
    if "api-proxy" in case.topology.without:
        return False
    return provider_of(host, case.topology.added) != UNKNOWN


def _severity(case: Case) -> Severity:
    return "warning" if case.calls else "error"


NOTICE: Final = OfTunnel(ABOUT, of_connect)
OF_REQUESTS: Final = OfHeld(ABOUT, concerns, of_request)
