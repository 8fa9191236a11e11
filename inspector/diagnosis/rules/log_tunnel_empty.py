"""A log's 200 stands for a tunnel through which nothing came back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def _find(case: Case) -> Iterator[Match]:
    for item in case.disagreements:
        if item.kind == "empty-tunnel":
            yield Match(item.evidence)


NOTICE: Final = Notice("log-tunnel-empty", _find)
