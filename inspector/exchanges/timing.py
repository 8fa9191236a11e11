"""How long an exchange took, as far as the packets prove it."""

from __future__ import annotations

from typing import Final

from inspector.model.http import Exchange, Request, Response, Timing

_NS: Final = 1_000_000_000


def timing_of(exchange: Exchange) -> Timing:
    """The durations of an exchange, also of a report that does not state them."""
    if exchange.timing is not None:
        return exchange.timing
    return timing(exchange.request, exchange.response, is_upgrade=exchange.upgrade is not None)


def timing(request: Request | None, response: Response | None, *, is_upgrade: bool) -> Timing:
    """The durations of an exchange that was seen whole, or as far as it was.

    They begin with the request's first byte, as curl's `time_starttransfer` does, since that is
    what a client waits for.  A clock that was set back in the meantime proves no duration.
    """
    if request is None or not request.complete or request.ended_at is None:
        return Timing()
    begun, asked = request.started_at, request.ended_at
    first = last = None
    if response is not None and not is_upgrade:
        at = response.started_at
        first = None if at < begun else (at - begun) / _NS
        if response.complete and (over := response.ended_at) is not None:
            last = None if over < begun else (over - begun) / _NS
    return Timing(None if asked < begun else (asked - begun) / _NS, first, last)
