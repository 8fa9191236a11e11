"""A port of a living API proxy refuses connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for name, packet in case.attempts.refused:
        yield Match(Evidence(f"c{name}", packet=packet))


NOTICE: Final = Notice("proxy-not-listening", find)
