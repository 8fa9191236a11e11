"""The server's side closed without one byte, and lived on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice, of_call
from inspector.diagnosis.rules import proxy_died


def find(case: Case) -> Iterator[Match]:
    for call in case.failed_calls():
        if call.outcome == "unanswered" and not proxy_died.explains(call, case):
            yield Match(of_call(call))


NOTICE: Final = Notice("call-unanswered", find)
