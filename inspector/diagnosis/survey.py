"""What became of the calls: every exchange is looked at once, in its order.

Of calls that went well only counts are kept, of one that failed its number.
"""

from __future__ import annotations

from array import array
from typing import Protocol

from inspector.diagnosis.contacts import Contacts
from inspector.diagnosis.index import PATHS, Index
from inspector.diagnosis.lives import Lives
from inspector.diagnosis.outcome import SUCCEEDED, CallOutcome
from inspector.diagnosis.recovery import Recoveries
from inspector.diagnosis.redirects import Redirects
from inspector.diagnosis.tries import Tries
from inspector.model.addresses import path_of
from inspector.model.http import Exchange
from inspector.model.ids import number_of
from inspector.model.network import Connection, Endpoint


class Facts(Protocol):
    """What a case knows from its beginning."""

    exchanges: Index[Exchange]
    connections: Index[Connection]
    contacts: Contacts
    lives: Lives
    forward_proxies: frozenset[str]

    def outcome(self, exchange: Exchange) -> CallOutcome:
        """What became of an exchange."""

    def is_call(self, exchange: Exchange) -> bool:
        """Whether an exchange is an agent's API call, at the API proxy."""

    def is_first_leg(self, exchange: Exchange) -> bool:
        """Whether an exchange asks a forward proxy for the API proxy."""


class Survey:
    """Takes the exchanges of a case; it is over when the case is closed."""

    def __init__(self, case: Facts) -> None:
        self._case = case
        self.tries, self.redirects, self.recoveries = Tries(), Redirects(), Recoveries()
        self.calls = 0
        self.succeeded = 0
        #: Calls that went on in a protocol that is not read, or whose answer is in such a form.
        self.unread_calls = 0
        self.unknown: array[int] = array("q")
        self.failed: array[int] = array("q")
        #: Clients of calls.
        self.callers: set[str] = set()
        #: Connections on which HTTP/2 was read.
        self.read: set[int] = set()
        #: The leg at the API proxy of each call that came by way of another proxy before it.
        self.behind: dict[int, int] = {}
        # Calls whose only leg is to the forward proxy: it did not pass them on, or where to was
        # not captured.
        self._halted: dict[str, int] = {}
        self._passed: set[int] = set()
        #: Where the last of several targets was served that differ.
        self._served: tuple[Endpoint, str] | None = None

    def see(self, leg: Exchange) -> None:
        """Take the next exchange."""
        case, exchange = self._case, leg
        case.lives.see(leg)
        if leg.request is not None and leg.request.http_version == "HTTP/2":
            self.read.add(number_of(leg.connection))
        first = leg.server.ip in case.forward_proxies and case.is_first_leg(leg)
        if leg.relays is not None:
            self._halted.pop(leg.relays, None)
        if first and (outcome := case.outcome(leg)) != "unknown":
            self._halted[leg.id] = number_of(leg.id)
            if outcome in SUCCEEDED:
                self._passed.add(number_of(leg.id))
        is_call = case.is_call(leg)
        if leg.relays is not None:
            # A proxy before the API proxy: what the agent got from it is what became of the call.
            exchange = self._front_leg(leg) or leg
        if (first or is_call) and exchange.client.ip not in case.forward_proxies:
            self.callers.add(exchange.client.ip)
        if is_call:
            self._take(exchange)

    def halted(self) -> tuple[int, list[int], list[int]]:
        """How many calls did not come to an API proxy; which went well, and which did not."""
        numbers = list(self._halted.values())
        passed = [number for number in numbers if number in self._passed]
        return len(numbers), passed, [number for number in numbers if number not in self._passed]

    def _take(self, exchange: Exchange) -> None:
        """A call, as its client saw it."""
        self.calls += 1
        outcome = self._case.outcome(exchange)
        if outcome == "answered":
            self.succeeded += 1
            self._note_answered(exchange)
        elif outcome == "unread":
            self.unread_calls += 1
        elif outcome == "unknown":
            self.unknown.append(number_of(exchange.id))
        else:
            self.failed.append(number_of(exchange.id))
        failed = outcome not in SUCCEEDED
        self.recoveries.add(exchange, outcome, self._closed_at(exchange) if failed else None)
        self.tries.note(exchange, failed=failed)
        self.redirects.note(exchange, outcome)

    def _closed_at(self, exchange: Exchange) -> int | None:
        """Of calls that went well it is not asked."""
        connection = self._case.connections.get(exchange.connection)
        return None if connection is None else connection.closed_at

    def _front_leg(self, leg: Exchange) -> Exchange | None:
        """The agent's leg at a proxy that stands before the API proxy; None without one."""
        if leg.relays is None or leg.client.ip in self._case.forward_proxies:
            return None
        front = self._case.exchanges.get(leg.relays)
        if front is not None:
            self.behind[number_of(front.id)] = number_of(leg.id)
        return front

    def _note_answered(self, exchange: Exchange) -> None:
        service, request = self._case.contacts.service(exchange), exchange.request
        if request is None:
            return
        size, largest = request.body_bytes, service.largest
        if request.ended_at is not None and (largest is None or size > largest):
            service.largest = size
        served = exchange.server, request.target
        if served != self._served and len(service.served) < PATHS:
            self._served = served
            service.served.add(path_of(request.target))
