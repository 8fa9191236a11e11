"""The patterns of a policy: names with `*`, and hosts with a port."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

from inspector.regex import regex

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = regex(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*|\*|\[[0-9A-Fa-f:.]+\]")


def is_host_and_port(text: str) -> bool:
    """Whether a text is `host:port`, `*.host:port`, `[address]:port`, or either part as `*`."""
    host, colon, port = text.rpartition(":")
    if not colon or not _HOST.fullmatch(host):
        return False
    return port == "*" or (port.isascii() and port.isdigit() and 0 < int(port) < 65536)


def is_host(host: str, port: int | None, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is about a host and its port.

    `*.lab.test` is every name below `lab.test`, as in a certificate (RFC 9525 6.3) but of any
    depth, and not `lab.test` itself.
    """
    return any(_is_host(host.lower().rstrip("."), port, pattern.lower()) for pattern in patterns)


@lru_cache(maxsize=4096)
def _is_host(host: str, port: int | None, pattern: str) -> bool:
    wanted, _, number = pattern.rpartition(":")
    if number not in ("*", str(port)):
        return False
    wanted = wanted.strip("[]")
    if wanted.startswith("*."):
        return host.endswith(wanted[1:]) and host != wanted[1:]
    return wanted in ("*", host)


def is_like(text: str, patterns: Iterable[str]) -> bool:
    """Whether a text is like one of the patterns; `*` is any text, `?` one character."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)
