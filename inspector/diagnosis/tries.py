"""Which failed calls are one call tried again: equal, and one after the other.

A retry repeats its call: same client, same service, same method and target, a body of the same
length, sent once the try before has failed.  Equal calls at one time are no retries of each other
(Claude Code counts the tokens of many texts at once), and six different calls are no storm.
"""

from __future__ import annotations

from typing import Final

from inspector.fact import Changing, Fact
from inspector.model.http import Exchange
from inspector.model.ids import number_of

#: So many failed tries in a row are a storm; SDKs give up after three.
TRIES: Final = 5
#: More equal calls at one time for each try than this: work done in parallel, no retries.
ABREAST: Final = 3


class Storm(Fact):
    """One call that failed at least `TRIES` times in a row."""

    #: The number of the exchange with which it became a storm.
    exchange: int
    tries: int
    #: Seconds from the first try to the last.
    seconds: float


class _Row(Changing):
    """The tries of one call so far, times in nanoseconds."""

    began: int
    ended: int
    last: int
    tries: int = 1
    abreast: int = 0
    became: int = 0


class Tries:
    """Counts the failed tries of each call, told of all calls in their order."""

    def __init__(self) -> None:
        self._rows: dict[int, _Row] = {}
        self._storms: list[Storm] = []

    def note(self, exchange: Exchange, *, failed: bool) -> None:
        """The next call: a row of tries goes on, or ends because it went well."""
        request = exchange.request
        if request is None or not (failed or self._rows):
            return
        # The hash alone is kept: a target may be long, and there may be many.
        key = hash((
            exchange.client.ip, exchange.server.ip, exchange.server.port,
            request.method, request.target, request.body_bytes,
        ))  # fmt: skip
        row = self._rows.get(key)
        if not failed:
            if row is not None:
                self._close(self._rows.pop(key))
        elif row is None:
            at = request.started_at
            self._rows[key] = _Row(at, _end(exchange), at)
        elif request.started_at < row.ended:
            row.abreast += 1
        else:
            row.tries += 1
            row.ended, row.last = _end(exchange), request.started_at
            if row.tries == TRIES:
                row.became = number_of(exchange.id)

    def storms(self) -> list[Storm]:
        """All storms, in the order of their calls."""
        for row in self._rows.values():
            self._close(row)
        self._rows.clear()
        return sorted(self._storms, key=lambda storm: storm.exchange)

    def _close(self, row: _Row) -> None:
        if row.tries >= TRIES and row.abreast <= ABREAST * row.tries:
            self._storms.append(Storm(row.became, row.tries, (row.last - row.began) / 1e9))


def _end(exchange: Exchange) -> int:
    """When a call is known to have been over at the earliest."""
    request, response = exchange.request, exchange.response
    if response is not None:
        return response.ended_at or response.started_at
    assert request is not None
    return request.ended_at or request.started_at
