"""Squid's page where the API's answer should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice, of_call


def find(case: Case) -> Iterator[Match]:
    for call in case.failed_calls():
        if call.answered_by == "forward-proxy":
            yield Match(of_call(call))


NOTICE: Final = Notice("squid-page-relayed", find)
