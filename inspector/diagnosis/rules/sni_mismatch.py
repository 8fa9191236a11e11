"""The server name in TLS is not that of the CONNECT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for tunnel in case.tunnels:
        if tunnel.tls is None or not tunnel.tls.sni or not tunnel.authority:
            continue
        host = tunnel.authority.rpartition(":")[0].strip("[]").lower()
        if host and host != tunnel.tls.sni.lower().rstrip("."):
            yield Match(Evidence(tunnel.connection, tunnel=tunnel.id, packet=tunnel.packet))


NOTICE: Final = Notice("sni-mismatch", find)
