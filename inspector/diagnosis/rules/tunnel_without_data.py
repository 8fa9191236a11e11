"""Squid said 200, and then nothing went through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for tunnel in case.tunnels:
        if tunnel.established and tunnel.authority and not (tunnel.bytes_up or tunnel.bytes_down):
            yield Match(Evidence(tunnel.connection, tunnel=tunnel.id, packet=tunnel.packet))


NOTICE: Final = Notice("tunnel-without-data", find)
