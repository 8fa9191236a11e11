"""Nothing in the capture is an API call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, Notice
from inspector.model.conclusions import Evidence

ABOUT: Final = Code(
    "no-api-call",
    severity="note",
    title="There is no API call in the capture",
    needs="a capture of the bridge",
    meaning=(
        "No agent's request to an API provider was seen, and nobody tried: no connection to a"
        " provider's port carried anything that is not read, and none was refused."
    ),
    advice="Capture on the bridge while the agent runs, both directions, from its start.",
    shown_by="start-up-only",
)


def find(case: Case) -> Iterator[Match]:
    tried = case.contacts.foreign or case.contacts.attempts or case.connects.misled
    if not case.calls and not tried and not case.may_hide_calls:
        yield Match(Evidence())


NOTICE: Final = Notice(ABOUT, find)
