"""Addresses and ports as packets hold them and as reports write them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from inspector.model.network import Endpoint

#: Servers listen on few ports from here on; clients use most of them.
_EPHEMERAL: Final = 32768


@lru_cache(maxsize=1024)
def address_text(packed: bytes) -> str:
    """4 or 16 bytes as text (RFC 5952 for IPv6)."""
    if len(packed) == 4:
        return ".".join(map(str, packed))
    import socket  # nearly all that is captured is IPv4

    return socket.inet_ntop(socket.AF_INET6, packed)


@lru_cache(maxsize=1024)
def endpoint(packed: bytes, port: int) -> Endpoint:
    """An end of a connection; equal ends are the same object."""
    return Endpoint(address_text(packed), port)


def plain_reverse(plain: bytes) -> bytes:
    """The key of the opposite direction, for a key without context."""
    width = (len(plain) - 4) // 2
    return plain[width : 2 * width] + plain[:width] + plain[-2:] + plain[-4:-2]


def likely_client(sport: int, dport: int) -> bool:
    """Of a connection whose SYN was not captured, is the sender the client?"""
    if (sport < _EPHEMERAL) != (dport < _EPHEMERAL):
        return dport < _EPHEMERAL
    return dport < sport
