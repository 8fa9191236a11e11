"""Attempts that failed, of which the capture cannot say why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.attempts import Attempts
from inspector.diagnosis.rule import Code, Match, OfAttempts
from inspector.model.conclusions import Evidence
from inspector.model.ids import connection_id

ABOUT: Final = Code(
    "api-proxy-unreachable",
    severity="error",
    title="Nobody answers at the API proxy's address",
    needs="connection attempts",
    meaning=(
        "Connection attempts to the API proxy failed, and nothing shows whether it had been there"
        " before. Dead, gone, or never started: the capture begins too late to say."
    ),
    advice="Start the capture earlier; look at the state of the API proxy's container.",
    shown_by="api-proxy-gone",
)


def find(attempts: Attempts) -> Iterator[Match]:
    for name, packet in attempts.unexplained:
        yield Match(Evidence(connection_id(name), packet=packet))


NOTICE: Final = OfAttempts(ABOUT, find)
