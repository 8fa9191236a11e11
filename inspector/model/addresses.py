"""Addresses that stand in messages, taken apart: authorities, request targets, locations.

They are captured text.  Whatever stands in them, nothing here raises: what is no address has no
host, and its path is the text itself.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from inspector.fact import Fact
from inspector.regex import regex

#: What a target in absolute form begins with (RFC 9112 3.2.2), up to its path.
_ABSOLUTE: Final = regex(r"(https?|wss?)://([^/?#]*)", re.IGNORECASE)
_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class Destination(Fact):
    """Where a target or a location leads, and what is asked for there.

    `host` is folded to lower case, without brackets, and empty where none is named; `port` is the
    scheme's where none is; `resource` is what a server is asked for: the path and the query.
    """

    host: str
    port: int | None
    resource: str

    @property
    def path(self) -> str:
        """The path, without its query."""
        return self.resource.partition("?")[0]


def split_authority(authority: str) -> tuple[str, int | None] | None:
    """`host:port` or `[v6]:port` taken apart; None when it is neither.

    A dot at a name's end, which stands for the root (RFC 1034 3.1), makes no other host, nor do
    zeros that an address of IPv6 need not have.
    """
    try:
        parts = urlsplit(f"//{authority.rpartition('@')[2]}")
        host = (parts.hostname or "").removesuffix(".")
        if ":" in host:
            host = _shortest(host)
        return (host, parts.port) if host else None
    except ValueError:
        return None


def _shortest(host: str) -> str:
    """An address of IPv6 as RFC 5952 writes it; what is none as it stands."""
    try:
        return str(IPv6Address(host))
    except ValueError:
        return host


def split_target(target: str) -> Destination:
    """The address of a request target: in origin form it has a path alone (RFC 9112 3.2)."""
    absolute = _ABSOLUTE.match(target)
    if absolute is None:
        return Destination("", None, target.partition("#")[0])
    found = split_authority(absolute[2])
    if found is None:
        return Destination("", None, target.partition("#")[0])
    host, port = found
    resource = target[absolute.end() :].partition("#")[0]
    rooted = resource if resource.startswith("/") else f"/{resource}"
    return Destination(host, port or _PORTS[absolute[1].lower()], rooted)


def split_location(location: str) -> Destination:
    """The address of a `Location`, which may leave out the scheme (RFC 3986 4.2: `//host/path`)."""
    if location.startswith("//"):
        return split_target("https:" + location)
    return split_target(location)


def path_of(target: str) -> str:
    """The path of a request target, without its query."""
    if target.startswith("/"):  # in origin form, as nearly all are
        return target.partition("#")[0].partition("?")[0]
    return split_target(target).path


def is_address(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
