"""A tunnel in which HTTP is spoken in the clear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for tunnel in case.tunnels:
        if tunnel.protocol == "http/1.1":
            yield Match(Evidence(tunnel.connection, tunnel=tunnel.id, packet=tunnel.packet))


NOTICE: Final = Notice("plain-http-in-connect", find)
