"""A request in origin form (RFC 9112 3.2.1) at a forward proxy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for exchange in case.exchanges:
        request = exchange.request
        if request is None or exchange.tunnel is not None:
            continue
        if exchange.server.ip in case.forward_proxies and request.target.startswith("/"):
            yield Match(Evidence(exchange.connection, exchange.id, packet=request.packet))


NOTICE: Final = Notice("origin-form-at-squid", find)
