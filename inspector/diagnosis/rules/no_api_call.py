"""Nothing in the capture is an API call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, Notice
from inspector.exchanges.neighbourhood import tunnel_hosts
from inspector.exchanges.topology import provider_of
from inspector.model.conclusions import Evidence
from inspector.model.providers import UNKNOWN

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
    if not case.calls and not tried and not case.not_read.may_hide_calls and not _read_inside(case):
        yield Match(Evidence())


def _read_inside(case: Case) -> bool:
    """Whether a call was read inside TLS, which somebody opened to an API past the API proxy."""
    for tunnel in case.tunnels:
        if not tunnel.exchanges or tunnel.client.ip in case.api_proxies:
            continue
        hosts = tunnel_hosts(tunnel)
        if any(provider_of(host, case.topology.added) != UNKNOWN for host in hosts):
            return True
    return False


NOTICE: Final = Notice(ABOUT, find)
