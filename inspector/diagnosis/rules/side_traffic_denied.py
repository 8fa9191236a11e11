"""Squid refused what the agent asked for beside its calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.outcome import answered_by
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    others = case.api_proxies | case.forward_proxies
    for tunnel in case.tunnels:
        if tunnel.client.ip not in others and tunnel.established is False:
            yield Match(Evidence(tunnel.connection, tunnel=tunnel.id, packet=tunnel.packet))
    for exchange in case.exchanges:
        request, response = exchange.request, exchange.response
        if request is None or response is None or exchange.server.ip not in case.forward_proxies:
            continue
        if exchange.client.ip in others or exchange.tunnel is not None:
            continue
        # A web server's request at Squid's port has a finding of its own.
        denied = response.status >= 400 and answered_by(response) == "forward-proxy"
        if denied and not request.target.startswith("/"):
            yield Match(Evidence(exchange.connection, exchange.id, packet=response.packet))


NOTICE: Final = Notice("side-traffic-denied", find)
