"""Which redirects a client followed, and what became of its call there."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.outcome import SUCCEEDED, CallOutcome
from inspector.model.addresses import path_of, split_authority, split_location
from inspector.model.http import Exchange, header
from inspector.model.ids import number_of

#: Redirects remembered; a client follows one at once.
PENDING: Final = 256


class Redirects:
    """Pairs a redirected call with what its client asked for next, told of all calls in order.

    The address of a redirect and the target of a request are compared as the report shows them:
    labels stand for equal parts in both.
    """

    def __init__(self) -> None:
        #: Numbers of redirected calls that went well at their new address.
        self.followed: set[int] = set()
        #: Numbers of failed calls that were a POST before they were redirected.
        self.made_get: set[int] = set()
        self._pending: dict[tuple[str, str], tuple[int, str]] = {}

    def note(self, exchange: Exchange, outcome: CallOutcome) -> None:
        """The next call."""
        request, response = exchange.request, exchange.response
        if request is None or not (self._pending or outcome == "redirected"):
            return
        found = self._pending.pop((exchange.client.ip, path_of(request.target)), None)
        if found is not None:
            number, method = found
            if outcome in SUCCEEDED:
                self.followed.add(number)
            elif method == "POST" and request.method == "GET":
                self.made_get.add(number_of(exchange.id))
        if outcome == "redirected" and response is not None:
            named = split_location(header(response, "location") or "")
            asked = split_authority(request.host or "") or ("", None)
            if named.host not in ("", exchange.server.ip, asked[0]):
                return  # who follows it leaves the API proxy behind
            if len(self._pending) >= PENDING:
                self._pending.pop(next(iter(self._pending)))
            self._pending[exchange.client.ip, named.path] = number_of(exchange.id), request.method
