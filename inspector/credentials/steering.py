"""The headers of a request that steer authentication without being secret."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, count
from operator import itemgetter
from typing import Final

from inspector.model.network import Headers
from inspector.secrets.positions import STEERING_HEADERS

_NAME: Final = itemgetter(0)
_STEERS: Final = STEERING_HEADERS.__contains__


def steering(fields: Sequence[tuple[bytes, bytes]], headers: Headers) -> dict[str, str]:
    """What steers authentication among some fields, by name as sent; `headers`: as they are shown.

    A repeated one is joined with ", " under its first spelling (RFC 9110 5.3).
    """
    found: dict[bytes, str] = {}
    shown: dict[str, str] = {}
    names = [*map(bytes.lower, map(_NAME, fields))]
    for place in compress(count(), map(_STEERS, names)):
        name, (spelling, value) = names[place], headers[place]
        if name in found:
            spelling = found[name]
            value = f"{shown[spelling]}, {value}"
        found[name] = spelling
        shown[spelling] = value
    return shown
