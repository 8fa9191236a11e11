"""Attempts that failed, of which the capture cannot say why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice
from inspector.model.conclusions import Evidence
from inspector.model.ids import connection_id


def find(case: Case) -> Iterator[Match]:
    for name, packet in case.attempts.unexplained:
        yield Match(Evidence(connection_id(name), packet=packet))


NOTICE: Final = Notice("api-proxy-unreachable", find)
