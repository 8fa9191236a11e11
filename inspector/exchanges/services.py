"""Which service a request is for, wherever its connection goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from inspector.model.addresses import path_of, split_authority, split_target
from inspector.model.http import Request
from inspector.model.network import Endpoint
from inspector.regex import regex

if TYPE_CHECKING:
    from inspector.exchanges.ledger import ExchangeRecord

#: The scheme of a target in absolute form (RFC 9112 3.2.2).
SCHEME: Final = regex(r"(https?|wss?)://", re.IGNORECASE)

#: Paths that the API proxy serves itself, or that are used as health checks.
OWN_PATHS: Final = frozenset(
    {"/", "/health", "/healthz", "/ready", "/readyz", "/livez", "/metrics", "/reflect", "/ping"}
)


def asks_proxy_itself(request: Request) -> bool:
    """Whether a request is for a page that the API proxy serves itself, or a health check.

    From the gateway's address these alone are the host's own look; all else is an agent's call.
    """
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        return False
    return (path_of(request.target).rstrip("/") or "/") in OWN_PATHS


def service_of(record: ExchangeRecord) -> tuple[str, int]:
    """The host and port that a record's request is for."""
    return service_for(record.request, record.authority, record.server)


def service_for(
    request: Request | None, authority: str | None, server: Endpoint
) -> tuple[str, int]:
    """The host and port that a request is for, wherever its connection goes.

    An absolute-form target names it (RFC 9112 3.2.2), else the `authority` of
    the tunnel it is in, else it is the server.
    """
    if request is not None and not request.target.startswith("/"):
        asked = split_target(request.target)
        if asked.host:
            return asked.host, asked.port or 80
    if authority is not None:
        found = split_authority(authority)
        if found is not None:
            return found[0], found[1] or 443
    return server.ip, server.port
