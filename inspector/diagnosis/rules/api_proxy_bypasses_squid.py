"""TLS of the API proxy that goes out by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.conclusions import Evidence
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Match, Notice


def find(case: Case) -> Iterator[Match]:
    for direct in case.direct_tls:
        if direct.client.ip in case.api_proxies:
            yield Match(Evidence(direct.connection, packet=direct.packet))


NOTICE: Final = Notice("api-proxy-bypasses-squid", find)
