"""A port of a living API proxy refuses connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.attempts import Attempts
from inspector.diagnosis.rule import Code, Match, OfAttempts
from inspector.model.conclusions import Evidence
from inspector.model.ids import connection_id

ABOUT: Final = Code(
    "proxy-not-listening",
    severity="error",
    title="The API proxy does not listen on that port",
    needs="connection attempts to the port",
    meaning=(
        "Every connection to the provider's port is refused. While the API proxy is alive: it has"
        " no key for that provider (older versions do not listen then). Where it shows no sign of"
        " life: it did not start, or had died before the capture began."
    ),
    advice=(
        "Look whether the API proxy runs (docker ps, its log); give it the provider's key, or use"
        " the port of a provider that it has."
    ),
    shown_by="proxy-not-listening",
)


def find(attempts: Attempts) -> Iterator[Match]:
    for name, packet in attempts.refused:
        yield Match(Evidence(connection_id(name), packet=packet))


NOTICE: Final = OfAttempts(ABOUT, find)
