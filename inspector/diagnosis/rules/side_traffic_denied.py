"""Squid refused what the agent asked for beside its calls: a CONNECT, or a plain request."""

from __future__ import annotations

from typing import Final

from inspector.chain.answerer import answered_by
from inspector.diagnosis import peeked
from inspector.diagnosis.case import Case
from inspector.diagnosis.denials import denial
from inspector.diagnosis.rule import Code, Match, OfExchange, OfTunnel, of_exchange, of_tunnel
from inspector.model.http import Exchange
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "side-traffic-denied",
    severity="warning",
    title="Other traffic of the agent was denied",
    needs="the agent's requests and CONNECTs at Squid",
    meaning=(
        "Squid refused something that the agent asked for beside its API calls: by a rule on the"
        " domain, on the port, or on the server name of its ClientHello, or because it could not"
        " reach it."
    ),
    advice=(
        "Look which of them Squid refuses for what: a domain, a port, a bare address; allow what"
        " the agent needs."
    ),
    shown_by="denied-side-traffic",
)

_BY_NAME: Final = (
    "Squid closed at the ClientHello: add the server name to the allow-list if the agent needs it"
    " (the firewall's --allow-domains; network.allowed of an agentic workflow)."
)


def of_connect(tunnel: Tunnel, case: Case) -> Match | None:
    proxies = case.api_proxies | case.forward_proxies
    if tunnel.client.ip in proxies or case.connects.is_barred(tunnel):
        return None  # not the agent's, or a call of its own, which failed
    if tunnel.proxy.ip not in case.forward_proxies:
        return None  # whoever refused it is no Squid
    refusal = tunnel.refusal
    if refusal is None:
        by_name = peeked.is_closed_before_hello(tunnel) and peeked.settled(tunnel, case) == "denied"
        return Match(of_tunnel(tunnel), advice=_BY_NAME) if by_name else None
    advice = None
    if refusal.is_denial and not refusal.is_relayed and tunnel.authority is not None:
        advice = denial(tunnel.authority, tunnel.client.ip, case).advice
    return Match(of_tunnel(tunnel), advice=advice)


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
OF_REQUESTS: Final = OfExchange(ABOUT, of_request, "at forward proxy")
