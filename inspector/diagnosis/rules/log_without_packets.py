"""A log has a call or tunnel that is missing from the capture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, Notice

ABOUT: Final = Code(
    "log-without-packets",
    severity="warning",
    title="A log tells of calls or tunnels without packets",
    needs="a log beside the capture",
    meaning=(
        "Squid or the API proxy wrote of a call or a tunnel within the capture's time, and no"
        " packet of it is there. The capture is not whole."
    ),
    advice=(
        "Capture on the bridge itself, promiscuous, without a filter and with a larger buffer."
    ),
)


def _find(case: Case) -> Iterator[Match]:
    for item in case.disagreements:
        if item.kind == "not-captured":
            yield Match(item.evidence)


NOTICE: Final = Notice(ABOUT, _find)
