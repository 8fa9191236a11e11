"""A log tells of a call or tunnel that the capture lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def _find(case: Case) -> Iterator[Match]:
    for item in case.disagreements:
        if item.kind == "not-captured":
            yield Match(item.evidence)


NOTICE: Final = Notice("log-without-packets", _find)
