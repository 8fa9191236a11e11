"""`Secret`: the only holder of a credential's bytes."""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import Final, NoReturn

FINGERPRINT_DIGITS: Final = 12


@lru_cache(maxsize=4)
def _begun(key: bytes) -> hmac.HMAC:
    """To be copied: each value begins behind the key, which is hashed once."""
    return hmac.new(key, digestmod="sha256")


def fingerprint(value: bytes, key: bytes) -> str:
    """12 hex digits of HMAC-SHA-256 of the value under `key`.

    Keyed, so that a short or guessable value cannot be found by hashing
    guesses without the key.
    """
    made = _begun(key).copy()
    made.update(value)
    return made.hexdigest()[:FINGERPRINT_DIGITS]


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
