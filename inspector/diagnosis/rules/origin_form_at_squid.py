"""A request in origin form (RFC 9112 3.2.1) at a forward proxy."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, OfExchange, of_exchange
from inspector.model.http import Exchange


def match(exchange: Exchange, case: Case) -> Match | None:
    request = exchange.request
    if request is None or exchange.tunnel is not None:
        return None
    at_squid = exchange.server.ip in case.forward_proxies and request.target.startswith("/")
    return Match(of_exchange(exchange)) if at_squid else None


NOTICE: Final = OfExchange("origin-form-at-squid", match)
