"""Connections of the API proxy that go out by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Code, Match, Notice
from inspector.diagnosis.rules.agent_bypasses_squid import is_open, ways_past
from inspector.model.conclusions import Evidence

ABOUT: Final = Code(
    "api-proxy-bypasses-squid",
    severity="warning",
    title="The API proxy goes out without Squid",
    needs="the API proxy's connections",
    meaning=(
        "A TLS connection of the API proxy, or another that carried bytes to an address that is"
        " no host of the bridge, does not go through Squid."
    ),
    advice="Look at the API proxy's HTTPS_PROXY and at the firewall's rules.",
)


def find(case: Case) -> Iterator[Match]:
    """TLS to anybody, and whatever else carried bytes to one that is no host of the bridge."""
    tls = set()
    for direct in case.direct_tls:
        if direct.client.ip in case.api_proxies:
            tls.add(direct.connection)
            yield Match(Evidence(direct.connection, packet=direct.packet))
    for connection in ways_past(case, case.contacts.proxy_outward):
        carried = connection.bytes_up or connection.bytes_down
        if connection.id not in tls and is_open(connection) and carried:
            yield Match(Evidence(connection.id, packet=connection.packet))


NOTICE: Final = Notice(ABOUT, find)
