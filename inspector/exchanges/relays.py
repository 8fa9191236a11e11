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
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from inspector.exchanges.ledger import ExchangeRecord, TlsRecord, TunnelRecord
from inspector.exchanges.topology import Roles

#: A proxy forwards a request within this time of having begun to receive it
#: (measured: 1 ms median; the bound covers a large upload under load).
FORWARD_LIMIT_NS: Final = 30_000_000_000


#: (start, number) of an exchange, and what two legs of one call have in common.
_Leg: TypeAlias = tuple[int, int]
_CallKey: TypeAlias = tuple[Hashable, ...]


def service_of(record: ExchangeRecord) -> tuple[str, int]:
    """The host and port that a request is for, wherever its connection goes.

    An absolute-form target names it (RFC 9112 3.2.2), else the authority of
    the tunnel it is in, else it is the server.
    """
    request = record.request
    if request is not None and "://" in request.target[:10]:
        found = split_authority(request.target.partition("://")[2].partition("/")[0])
        if found is not None:
            return found[0], found[1] or (443 if request.target.startswith("https") else 80)
    if record.authority is not None:
        found = split_authority(record.authority)
        if found is not None:
            return found[0], found[1] or 443
    return record.server.ip, record.server.port


def split_authority(authority: str) -> tuple[str, int | None] | None:
    """`host:port` or `[v6]:port` taken apart; None when it is neither."""
    try:
        parts = urlsplit(f"//{authority.rpartition('@')[2]}")
        return (parts.hostname, parts.port) if parts.hostname else None
    except ValueError:
        return None


def path_of(target: str) -> str:
    """The path and query of a target in any form."""
    if "://" not in target[:10]:
        return target
    rest = target.partition("://")[2]
    return "/" + rest.partition("/")[2]


def find_relays(records: Iterable[ExchangeRecord], roles: Roles) -> dict[int, int]:
    """Number of a second leg -> number of the agent-side exchange it relays.

    A leg is joined when client, service, method, path and body size agree and
    it began while the first leg was waiting; among several, the earliest that
    is still free, since a proxy forwards as it receives.
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
        candidates.sort()
    for (started, number), key in sorted(legs):
        candidates = waiting.get(key, [])
        for index, first in enumerate(candidates):
            if 0 <= started - first[0] <= FORWARD_LIMIT_NS:
                found[number] = first[1]
                del candidates[index]
                break
    return found


def _leg(record: ExchangeRecord) -> _Leg:
    return (record.request.started_at if record.request else 0, record.number)


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
