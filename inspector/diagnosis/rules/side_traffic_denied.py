"""Squid refused what the agent asked for beside its calls: a CONNECT, or a plain request."""

from __future__ import annotations

from typing import Final

from inspector.chain.answerer import answered_by
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfExchange, OfTunnel, of_exchange, of_tunnel
from inspector.model.http import Exchange
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "side-traffic-denied",
    severity="warning",
    title="Other traffic of the agent was denied",
    needs="the agent's requests and CONNECTs at Squid",
    meaning="Squid refused something that the agent asked for beside its API calls.",
    advice="Allow the domain if the agent needs it.",
    shown_by="denied-side-traffic",
)


def of_connect(tunnel: Tunnel, case: Case) -> Match | None:
    proxies = case.api_proxies | case.forward_proxies
    denied = tunnel.client.ip not in proxies and tunnel.refusal is not None
    if case.is_barred(tunnel):
        return None  # a call of its own, which failed
    return Match(of_tunnel(tunnel)) if denied else None


def of_request(exchange: Exchange, case: Case) -> Match | None:
    """A web server's request at Squid's port has a finding of its own."""
    request, response = exchange.request, exchange.response
    if request is None or response is None or exchange.server.ip not in case.forward_proxies:
        return None
    if exchange.client.ip in case.api_proxies or exchange.tunnel is not None:
        return None
    if case.is_first_leg(exchange):
        return None
    denied = response.status >= 400 and answered_by(response) == "forward-proxy"
    return Match(of_exchange(exchange)) if denied and request.target[:1] != "/" else None


NOTICE: Final = OfTunnel(ABOUT, of_connect)
OF_REQUESTS: Final = OfExchange(ABOUT, of_request)
