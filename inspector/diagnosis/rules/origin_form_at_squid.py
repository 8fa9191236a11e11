"""A request in origin form (RFC 9112 3.2.1) at a forward proxy."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, OfExchange, of_exchange
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "origin-form-at-squid",
    severity="warning",
    title="A web server's request at Squid's port",
    needs="the agent's requests at Squid",
    meaning=(
        "A request in origin form (GET /path) reached Squid, which answers 400: something"
        " redirects web traffic to it without the client's knowledge."
    ),
    advice="Look for a DNAT rule; set the client's proxy variables instead.",
    shown_by="origin-form-at-squid",
)


def match(exchange: Exchange, case: Case) -> Match | None:
    request = exchange.request
    if request is None or exchange.tunnel is not None:
        return None
    at_squid = exchange.server.ip in case.forward_proxies and request.target.startswith("/")
    return Match(of_exchange(exchange)) if at_squid else None


NOTICE: Final = OfExchange(ABOUT, match, "at forward proxy")
