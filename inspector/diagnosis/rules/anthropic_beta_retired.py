"""The API named the anthropic-beta header in a 400."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice, of_call


def find(case: Case) -> Iterator[Match]:
    for call in case.failed_calls():
        if call.answered_by == "upstream" and "anthropic-beta" in call.message:
            yield Match(of_call(call))


NOTICE: Final = Notice("anthropic-beta-retired", find)
