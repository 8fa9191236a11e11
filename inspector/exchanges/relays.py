"""Two legs of one call, two recordings of one tunnel.

A request for the API proxy may take the way through the forward proxy
(domain facts: clients that ignore NO_PROXY), in absolute form or as plain HTTP
inside a CONNECT.  Both legs cross the bridge; the second one gets `relays`.
In one-network mode a tunnel's TLS appears a second time, from the forward
proxy to the upstream; the identical ClientHello joins them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Final, NamedTuple, TypeAlias

from inspector.exchanges.ledger import ExchangeRecord, TlsRecord, TunnelRecord
from inspector.exchanges.services import SCHEME, service_of
from inspector.exchanges.topology import Roles

#: A proxy forwards a request within this time of having begun to receive it
#: (measured: 1 ms median; the bound covers a large upload under load).
FORWARD_LIMIT_NS: Final = 30_000_000_000


#: What two legs of one call have in common.
_CallKey: TypeAlias = tuple[Hashable, ...]


class _Leg(NamedTuple):
    """An exchange that may be a leg; `body` is the size of a request body seen whole."""

    started: int
    number: int
    answered: int | None
    body: int | None

    def may_relay(self, first: _Leg) -> bool:
        """Whether this may be the next leg of `first`."""
        return (
            0 <= self.started - first.started <= FORWARD_LIMIT_NS
            and (first.answered is None or self.started <= first.answered)
            and (self.body is None or first.body is None or self.body == first.body)
        )


def path_of(target: str) -> str:
    """The path and query of a target in any form."""
    scheme = SCHEME.match(target)
    if scheme is None:
        return target
    return "/" + target[scheme.end() :].partition("/")[2]


def find_relays(records: Iterable[ExchangeRecord], roles: Roles) -> dict[int, int]:
    """Number of a second leg -> number of the agent-side exchange it relays.

    A leg is joined when service, method, path, credentials and body size agree
    and it began while the first leg was waiting for its answer; among several,
    the earliest that is still free, since a proxy forwards as it receives.
    """
    waiting: dict[_CallKey, list[_Leg]] = defaultdict(list)
    legs: list[tuple[_Leg, _CallKey]] = []
    for record in records:
        if record.request is None:
            continue
        hop = roles.hop(record.client.ip, record.server.ip)
        if hop == "forward-proxy-to-api-proxy":
            legs.append((_leg(record), _call_key(record, record.client.ip)))
        elif roles.role(record.server.ip) == "forward-proxy" and service_of(record)[0] != (
            record.server.ip
        ):
            waiting[_call_key(record, record.server.ip)].append(_leg(record))
    found: dict[int, int] = {}
    for candidates in waiting.values():
        candidates.sort(key=lambda leg: leg[:2])
    for leg, key in sorted(legs, key=lambda item: item[0][:2]):
        candidates = waiting.get(key, [])
        for index, first in enumerate(candidates):
            if leg.may_relay(first):
                found[leg.number] = first.number
                del candidates[index]
                break
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


def _call_key(record: ExchangeRecord, forward_proxy: str) -> _CallKey:
    request = record.request
    assert request is not None
    return (
        forward_proxy,
        service_of(record),
        request.method,
        path_of(request.target),
        tuple((auth.name.lower(), auth.credential.fingerprint) for auth in request.auth),
    )


def find_egress(tunnels: Iterable[TunnelRecord], tls: list[TlsRecord]) -> dict[int, TlsRecord]:
    """Tunnel number -> the forward proxy's own leg with the identical ClientHello."""
    by_hello: dict[bytes, list[TlsRecord]] = defaultdict(list)
    for record in tls:
        if record.hello is not None:
            by_hello[record.hello].append(record)
    found: dict[int, TlsRecord] = {}
    if not by_hello:
        return found
    for tunnel in tunnels:
        for record in by_hello.get(tunnel.hello or b"", ()):
            if record.client.ip == tunnel.proxy.ip and record.connection != tunnel.connection:
                found[tunnel.number] = record
                break
    return found
