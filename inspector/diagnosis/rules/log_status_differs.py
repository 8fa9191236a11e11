"""A log and the packets name different statuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def _find(case: Case) -> Iterator[Match]:
    for item in case.disagreements:
        if item.kind == "status-differs":
            yield Match(item.evidence)


NOTICE: Final = Notice("log-status-differs", _find)
