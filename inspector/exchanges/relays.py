"""Two legs of one call, two recordings of one tunnel.

A request for the API proxy may take the way through the forward proxy
(domain facts: clients that ignore NO_PROXY), in absolute form or as plain HTTP
inside a CONNECT.  Both legs cross the bridge; the second one gets `relays`.
In one-network mode a tunnel's TLS appears a second time, from the forward
proxy to the upstream; the identical ClientHello joins them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable
from typing import Final, TypeAlias

from inspector.exchanges.ledger import DirectTlsRecord, ExchangeRecord, TunnelRecord
from inspector.exchanges.services import service_of
from inspector.exchanges.topology import Roles
from inspector.fact import Fact, replace
from inspector.model.addresses import split_target

#: A proxy forwards a request within this time of having begun to receive it
#: (measured: 1 ms median; the bound covers a large upload under load).
FORWARD_LIMIT_NS: Final = 30_000_000_000


#: What two legs of one call have in common.
_CallKey: TypeAlias = tuple[Hashable, ...]


class _Leg(Fact):
    """An exchange that may be a leg; `body` is the size of a request body seen whole."""

    started: int
    number: int
    answered: int | None
    body: int | None

    @property
    def place(self) -> tuple[int, int]:
        """By which legs are sorted."""
        return self.started, self.number


class _Waiting:
    """First legs with one key that wait to be passed on, the earliest first.

    Asked in the order of time, so that one that cannot be passed on any more is left behind for
    good: each is looked at once in each of its queues.
    """

    def __init__(self) -> None:
        self._legs: list[_Leg] = []
        self._queues: dict[int | None, deque[_Leg]] = {}
        self._all: deque[_Leg] = deque()
        self._taken: set[int] = set()

    def add(self, leg: _Leg) -> None:
        """One more, in any order, before the first is taken."""
        self._legs.append(leg)

    def close(self) -> None:
        """All are there."""
        for leg in sorted(self._legs, key=lambda leg: leg.place):
            self._all.append(leg)
            self._queues.setdefault(leg.body, deque()).append(leg)

    def take(self, second: _Leg) -> int | None:
        """The number of the earliest that this may be the next leg of; it is free no more.

        Of a body that was not seen whole the size says nothing.
        """
        if second.body is None:
            queues = [self._all]
        else:
            queues = [self._queues.get(size, deque()) for size in (second.body, None)]
        fronts = [queue[0] for queue in queues if self._is_waiting(queue, second.started)]
        if not fronts:
            return None
        first = min(fronts, key=lambda leg: leg.place)
        self._taken.add(first.number)
        return first.number

    def _is_waiting(self, queue: deque[_Leg], at: int) -> bool:
        """Whether the first in a queue waits at this time, those before it that do not dropped."""
        while queue:
            first = queue[0]
            is_over = at - first.started > FORWARD_LIMIT_NS or (
                first.answered is not None and first.answered < at
            )
            if not is_over and first.number not in self._taken:
                return first.started <= at
            queue.popleft()
        return False


def find_relays(
    records: Iterable[ExchangeRecord], roles: Roles, before: frozenset[str] = frozenset()
) -> dict[int, int]:
    """Number of a second leg -> number of the agent-side exchange it relays.

    `before` are proxies that stand before the API proxy; their first legs are for themselves.

    A leg is joined when service, method, path, credentials and body size agree
    and it began while the first leg was waiting for its answer; among several,
    the earliest that is still free, since a proxy forwards as it receives.
    """
    waiting: dict[_CallKey, _Waiting] = defaultdict(_Waiting)
    legs: list[tuple[_Leg, _CallKey]] = []
    for record in records:
        if record.request is None:
            continue
        hop = roles.hop(record.client.ip, record.server.ip)
        if hop == "forward-proxy-to-api-proxy":
            legs.append((_leg(record), _call_key(record, record.client.ip)))
        elif record.client.ip in before and roles.role(record.server.ip) == "api-proxy":
            legs.append((replace(_leg(record), body=None), _front_key(record, record.client.ip)))
        elif record.server.ip in before:
            waiting[_front_key(record, record.server.ip)].add(_leg(record))
        elif roles.role(record.server.ip) == "forward-proxy" and service_of(record)[0] != (
            record.server.ip
        ):
            waiting[_call_key(record, record.server.ip)].add(_leg(record))
    found: dict[int, int] = {}
    for firsts in waiting.values():
        firsts.close()
    for leg, key in sorted(legs, key=lambda item: item[0].place):
        first = waiting[key].take(leg) if key in waiting else None
        if first is not None:
            found[leg.number] = first
    return found


def _leg(record: ExchangeRecord) -> _Leg:
    request, response = record.request, record.response
    assert request is not None
    return _Leg(
        request.started_at,
        record.number,
        None if response is None else response.started_at,
        request.body_bytes if request.complete else None,
    )


def _front_key(record: ExchangeRecord, front: str) -> _CallKey:
    """A gateway may change path, credentials and body: what stays is the method and who asks."""
    assert record.request is not None
    return front, record.request.method


def _call_key(record: ExchangeRecord, forward_proxy: str) -> _CallKey:
    request = record.request
    assert request is not None
    return (
        forward_proxy,
        service_of(record),
        request.method,
        split_target(request.target).resource,
        tuple((auth.name.lower(), auth.credential.fingerprint) for auth in request.auth),
    )


def find_egress(
    tunnels: Iterable[TunnelRecord], tls: list[DirectTlsRecord]
) -> dict[int, DirectTlsRecord]:
    """Tunnel number -> the forward proxy's own leg with the identical ClientHello."""
    #: Of each hello and host the first, and the first on another connection: one is not the
    #: tunnel's own.
    legs: dict[tuple[bytes, str], list[DirectTlsRecord]] = defaultdict(list)
    for record in tls:
        if record.hello is not None:
            first = legs[record.hello, record.client.ip]
            if not first or (len(first) == 1 and first[0].connection != record.connection):
                first.append(record)
    found: dict[int, DirectTlsRecord] = {}
    if not legs:
        return found
    for tunnel in tunnels:
        for record in legs.get((tunnel.hello or b"", tunnel.proxy.ip), ()):
            if record.connection != tunnel.connection:
                found[tunnel.number] = record
                break
    return found
