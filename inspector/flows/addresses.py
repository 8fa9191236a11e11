"""Addresses as packets hold them and as reports write them."""

from __future__ import annotations

import socket
from functools import lru_cache

from inspector.model.network import Endpoint


@lru_cache(maxsize=1024)
def address_text(packed: bytes) -> str:
    """4 or 16 bytes as text (RFC 5952 for IPv6)."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


@lru_cache(maxsize=1024)
def endpoint(packed: bytes, port: int) -> Endpoint:
    """An end of a connection; equal ends are the same object."""
    return Endpoint(address_text(packed), port)
