"""Texts of hexadecimal digits that stand for something else, each a type of its own."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin

#: SHA-256 of bytes.
Sha256: TypeAlias = Annotated[str, "Sha256"]
#: What tells one fingerprint key from another, and gives nothing of it away.
KeyId: TypeAlias = Annotated[str, "KeyId"]

#: Name of a type -> how many digits it has.
DIGITS: Final = {"Sha256": 64, "KeyId": 12}


def digest_pattern(hint: Any) -> str | None:
    """The regular expression of a type of this module; None for another type hint."""
    if get_origin(hint) is not Annotated:
        return None
    digits = DIGITS.get(get_args(hint)[1])
    return None if digits is None else f"^[0-9a-f]{{{digits}}}$"
