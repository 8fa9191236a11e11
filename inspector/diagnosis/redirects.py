"""Which redirects a client followed, and what became of its call there."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from inspector.diagnosis.outcome import SUCCEEDED, CallOutcome
from inspector.diagnosis.usable import header
from inspector.model.http import Exchange
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
        if request is None:
            return
        found = self._pending.pop((exchange.client.ip, _address(request.target)[1]), None)
        if found is not None:
            number, method = found
            if outcome in SUCCEEDED:
                self.followed.add(number)
            elif method == "POST" and request.method == "GET":
                self.made_get.add(number_of(exchange.id))
        if outcome == "redirected" and response is not None:
            host, where = _address(header(response, "location") or "")
            asked = _address(f"//{request.host or ''}")[0]
            if host not in ("", exchange.server.ip, asked):
                return  # who follows it leaves the API proxy behind
            if len(self._pending) >= PENDING:
                self._pending.pop(next(iter(self._pending)))
            self._pending[exchange.client.ip, where] = number_of(exchange.id), request.method


def _address(target: str) -> tuple[str, str]:
    """The host, empty without one, and the path of a target or location."""
    try:
        parts = urlsplit(target)
        return parts.hostname or "", parts.path
    except ValueError:
        return "", ""
