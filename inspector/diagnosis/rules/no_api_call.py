"""Nothing in the capture is an API call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice
from inspector.model.conclusions import Evidence


def find(case: Case) -> Iterator[Match]:
    if not case.calls:
        yield Match(Evidence())


NOTICE: Final = Notice("no-api-call", find)
