"""From secrets to keys: HKDF of TLS 1.3 (RFC 8446 7), the PRF of TLS 1.2 (RFC 5246 5)."""

from __future__ import annotations

import hmac
from typing import Final

#: RFC 8446 7.1: what every label begins with.
_PREFIX: Final = b"tls13 "


def expanded(secret: bytes, label: bytes, size: int, digest: str) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 7.1, RFC 5869 2.3)."""
    named = _PREFIX + label
    info = size.to_bytes(2, "big") + bytes((len(named),)) + named + b"\0"
    out = block = b""
    number = 0
    while len(out) < size:
        number += 1
        block = hmac.digest(secret, block + info + bytes((number,)), digest)
        out += block
    return out[:size]


def updated(secret: bytes, digest: str) -> bytes:
    """The next traffic secret, after a KeyUpdate (RFC 8446 7.2)."""
    return expanded(secret, b"traffic upd", len(secret), digest)


def key_block(
    master: bytes, server_random: bytes, client_random: bytes, size: int, digest: str
) -> bytes:
    """The keys of TLS 1.2, all in one (RFC 5246 5, 6.3)."""
    seed = b"key expansion" + server_random + client_random
    out, part = b"", seed
    while len(out) < size:
        part = hmac.digest(master, part, digest)
        out += hmac.digest(master, part + seed, digest)
    return out[:size]
