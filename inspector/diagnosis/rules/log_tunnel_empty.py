"""A log's 200 stands for a tunnel through which nothing came back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, Notice

ABOUT: Final = Code(
    "log-tunnel-empty",
    severity="note",
    title="A log's 200 stands for a tunnel that brought nothing back",
    needs="Squid's log beside the capture, the tunnel",
    meaning=(
        "Squid wrote 200 when the tunnel closed; not one byte had come back through it. The 200"
        " says that a tunnel was made, never that the API answered."
    ),
    advice="Believe the packets: look at what is said of the call itself.",
    shown_by="tls-silence",
)


def _find(case: Case) -> Iterator[Match]:
    for item in case.disagreements:
        if item.kind == "empty-tunnel":
            yield Match(item.evidence)


NOTICE: Final = Notice(ABOUT, _find)
