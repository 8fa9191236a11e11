"""Which service a request is for, wherever its connection goes."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from inspector.exchanges.ledger import ExchangeRecord
from inspector.model.http import Request
from inspector.model.network import Endpoint

#: The scheme of a target in absolute form (RFC 9112 3.2.2).
SCHEME: Final = re.compile(r"(https?|wss?)://", re.IGNORECASE)

#: Paths that the API proxy serves itself, or that are used as health checks.
OWN_PATHS: Final = frozenset(
    {"/", "/health", "/healthz", "/ready", "/readyz", "/livez", "/metrics", "/reflect", "/ping"}
)


def asks_proxy_itself(request: Request) -> bool:
    """Whether a request is for a page that the API proxy serves itself, or a health check.

    From the gateway's address these alone are the host's own look; all else is an agent's call.
    """
    try:
        path = urlsplit(request.target).path.rstrip("/") or "/"
    except ValueError:  # no URL: `http://[`
        return False
    return path in OWN_PATHS and request.method in ("GET", "HEAD", "OPTIONS")


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
    scheme = SCHEME.match(request.target) if request is not None else None
    if request is not None and scheme is not None:
        found = split_authority(request.target[scheme.end() :].partition("/")[0])
        if found is not None:
            is_secure = scheme[1].lower() in ("https", "wss")
            return found[0], found[1] or (443 if is_secure else 80)
    if authority is not None:
        found = split_authority(authority)
        if found is not None:
            return found[0], found[1] or 443
    return server.ip, server.port


def split_authority(authority: str) -> tuple[str, int | None] | None:
    """`host:port` or `[v6]:port` taken apart; None when it is neither."""
    try:
        parts = urlsplit(f"//{authority.rpartition('@')[2]}")
        return (parts.hostname, parts.port) if parts.hostname else None
    except ValueError:
        return None
