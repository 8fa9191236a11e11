"""Two credentials of one request have different values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for exchange in case.exchanges:
        request = exchange.request
        if request is None or not case.is_call(exchange):
            continue
        if len({auth.credential.fingerprint for auth in request.auth}) > 1:
            yield Match(Evidence(exchange.connection, exchange.id, packet=request.packet))


NOTICE: Final = Notice("credentials-differ", find)
