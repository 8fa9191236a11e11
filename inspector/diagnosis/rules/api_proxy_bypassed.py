"""The agent opens tunnels to an API's host itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence, Severity
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice
from inspector.exchanges.topology import HOSTS
from inspector.facts import Provider


def find(case: Case) -> Iterator[Match]:
    """An error where no call came to the API proxy, else a warning."""
    severity: Severity = "warning" if case.calls else "error"
    known = HOSTS
    for tunnel in case.tunnels:
        if tunnel.client.ip not in case.topology.agent or not tunnel.established:
            continue
        if tunnel.authority and _is_api(tunnel.authority, known):
            evidence = Evidence(tunnel.connection, tunnel=tunnel.id, packet=tunnel.packet)
            yield Match(evidence, severity)


def _is_api(authority: str, known: tuple[tuple[str, Provider], ...]) -> bool:
    host = authority.rpartition(":")[0].lower()
    for pattern, _ in known:
        start, star, end = pattern.partition("*")
        if host == pattern or (star and host.startswith(start) and host.endswith(end)):
            return True
    return False


NOTICE: Final = Notice("api-proxy-bypassed", find)
