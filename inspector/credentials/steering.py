"""The headers of a request that steer authentication without being secret."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from inspector.model.network import Headers
from inspector.secrets.positions import STEERING_HEADERS

_NAME: Final = itemgetter(0)


def steering(fields: Sequence[tuple[bytes, bytes]], headers: Headers) -> dict[str, str]:
    """What steers authentication among some fields, by name as sent; `headers`: as they are shown.

    A repeated one is joined with ", " under its first spelling (RFC 9110 5.3).
    """
    found: dict[bytes, tuple[str, str]] = {}
    names = [*map(bytes.lower, map(_NAME, fields))]
    for place in [place for place, name in enumerate(names) if name in STEERING_HEADERS]:
        name, shown = names[place], headers[place]
        if name in found:
            first, values = found[name]
            shown = first, f"{values}, {shown[1]}"
        found[name] = shown
    return dict(found.values())
