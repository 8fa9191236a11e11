"""A malformed credential in a call that went well all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice
from inspector.diagnosis.rules import credential_malformed
from inspector.diagnosis.rules.credential_malformed import is_malformed


def find(case: Case) -> Iterator[Match]:
    for exchange in case.exchanges:
        request = exchange.request
        if request is None or not case.is_call(exchange):
            continue
        if any(map(is_malformed, request.auth)):
            evidence = Evidence(exchange.connection, exchange.id, packet=request.packet)
            explains_it = credential_malformed.explains(case.call(int(exchange.id[1:])), case)
            yield Match(evidence, None if explains_it else "note")


NOTICE: Final = Notice("credential-malformed", find)
