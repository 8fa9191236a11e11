"""Which failed calls were made good by a later one: the same client, for the same purpose.

A client tries again by itself: the same request on a new connection, without streaming, by POST
where an upgrade was refused, with another model.  Nothing in the packets names the try before, so
it is told by who asks, what for, when, and how much: a success continues at most one row of
failures, and never one that was still under way when it began.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from inspector.diagnosis.outcome import CallOutcome
from inspector.fact import Changing
from inspector.model.addresses import path_of
from inspector.model.http import Exchange, Request, header
from inspector.model.ids import number_of

#: The same request counts as another try for so long: SDKs wait up to a minute where the answer
#: asked them to, and some twice as long.
AGAIN_NS: Final = 120_000_000_000
#: A request that differs a little counts for so long: a client that changes it asks at once.
CHANGED_NS: Final = 5_000_000_000
#: So many bytes of the body may differ: `"stream":true,` gone, another model's name.
CHANGED_BYTES: Final = 64
#: Failures remembered of one client and purpose, and of how many of these.
_FAILURES: Final = 32
_PURPOSES: Final = 1024

_Key = tuple[str, str | None, str, int, str]


class _Failure(Changing):
    number: int
    method: str
    size: int
    is_upgrade: bool
    ended: int
    #: The failures before it that it continues.
    before: tuple[int, ...]


class Recoveries:
    """Takes the calls in their order; `made_good` maps a failed call to the one that succeeded."""

    def __init__(self) -> None:
        self.made_good: dict[int, int] = {}
        self._failures: OrderedDict[_Key, list[_Failure]] = OrderedDict()

    def add(self, exchange: Exchange, outcome: CallOutcome, closed_at: int | None) -> None:
        """Take the next call; `closed_at` is when the connection of one that failed was closed."""
        request = exchange.request
        if request is None or outcome in ("unknown", "unread"):
            return
        if outcome == "answered" and not self._failures:
            return  # there is nothing that it might continue
        key = (
            exchange.client.ip,
            request.user_agent,
            exchange.server.ip,
            exchange.server.port,
            path_of(request.target),
        )
        number = number_of(exchange.id)
        known = self._failures.get(key, [])
        failure = next((each for each in reversed(known) if _continues(request, each)), None)
        if failure is not None:
            known.remove(failure)
            if not known:
                del self._failures[key]
        before = () if failure is None else (*failure.before, failure.number)
        if outcome == "answered":
            self.made_good.update(dict.fromkeys(before, number))
            return
        ended = _end(exchange, closed_at)
        if ended is None:
            return
        self._failures[key] = known = known[1 - _FAILURES :]
        self._failures.move_to_end(key)
        known.append(
            _Failure(
                number,
                request.method,
                request.body_bytes,
                offers(request) is not None,
                ended,
                before[-_FAILURES:],
            )
        )
        if len(self._failures) > _PURPOSES:
            self._failures.popitem(last=False)


def _continues(request: Request, failure: _Failure) -> bool:
    """Whether a request is another try of one that had failed before it began."""
    waited = request.started_at - failure.ended
    if waited < 0:
        return False
    if failure.is_upgrade and offers(request) is None:
        return waited < CHANGED_NS
    if request.method != failure.method:
        return False
    differs = abs(request.body_bytes - failure.size)
    return waited < AGAIN_NS if not differs else waited < CHANGED_NS and differs <= CHANGED_BYTES


def _end(exchange: Exchange, closed_at: int | None) -> int | None:
    """When a failed call was over: by its answer, by its close, or never in the capture."""
    response, request = exchange.response, exchange.request
    if response is not None and response.ended_at is not None and response.status != 101:
        return response.ended_at
    if closed_at is not None and request is not None:
        # A request that was written after the close was over when it was written.
        return max(closed_at, request.started_at)
    return None if request is None else request.ended_at


def offers(request: Request) -> str | None:
    """The protocol that a request offers to change to (RFC 9110 7.8), in lower case."""
    offered = header(request, "upgrade")
    return None if offered is None else offered.lower()
