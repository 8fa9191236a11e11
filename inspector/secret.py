"""`Secret`: the only holder of a credential's bytes."""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NoReturn

FINGERPRINT_DIGITS: Final = 12

#: RFC 2104 2: bytes of a block of SHA-256, and what a key is mixed with for each of the two hashes.
_BLOCK: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


@lru_cache(maxsize=4)
def _begun(key: bytes) -> tuple[Any, Any]:
    """Both hashes of HMAC-SHA-256 behind their first block, which is the key's alone."""
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


def fingerprint(value: bytes, key: bytes) -> str:
    """12 hex digits of HMAC-SHA-256 of the value under `key`.

    Keyed, so that a short or guessable value cannot be found by hashing
    guesses without the key.
    """
    within, around = _begun(key)
    inner, outer = within.copy(), around.copy()
    inner.update(value)
    outer.update(inner.digest())
    digits: str = outer.hexdigest()
    return digits[:FINGERPRINT_DIGITS]


class Secret:
    """A credential value that cannot be printed, serialised or copied out by accident.

    The bytes leave only through `reveal()`, whose callers can be counted with
    one search.  repr, str, format, pickle and JSON give the length and nothing
    else, so a traceback that shows a frame's variables shows no key.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The raw bytes.  For classifying, fingerprinting and scrubbing only."""
        return self._value

    def fingerprint(self, key: bytes) -> str:
        """That of the value under `key`."""
        return fingerprint(self._value, key)

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash would be an unkeyed fingerprint

    def __repr__(self) -> str:
        return f"<Secret {len(self._value)} bytes>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not serialised")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret is not serialised")
