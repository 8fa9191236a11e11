"""A log and the packets name different statuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, Notice

ABOUT: Final = Code(
    "log-status-differs",
    severity="warning",
    title="A log and the packets name different statuses",
    needs="a log beside the capture, the call or tunnel",
    meaning=("The status that Squid or the API proxy wrote down is not the one on the wire."),
    advice="Check that the logs are of this run; then believe the packets.",
)


def _find(case: Case) -> Iterator[Match]:
    for item in case.disagreements:
        if item.kind == "status-differs":
            yield Match(item.evidence)


NOTICE: Final = Notice(ABOUT, _find)
