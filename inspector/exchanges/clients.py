"""Who sent what where: exchanges grouped into clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inspector.exchanges.topology import Roles
from inspector.model.credentials import AuthHeader
from inspector.model.http import Exchange
from inspector.model.network import Endpoint, Process
from inspector.model.providers import Provider
from inspector.model.topology import Client, ClientAuth

_Key = tuple[str, str | None, Provider, str, int]


@dataclass(slots=True)
class _Tally:
    role_address: str
    process: Process | None = None
    requests: int = 0
    auth: Counter[AuthHeader] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)


def status_of(exchange: Exchange) -> str:
    """Its key in `Client.statuses`; what a gap or the capture's end hides is no missing answer."""
    if exchange.response is not None:
        return str(exchange.response.status)
    return "unknown" if exchange.ended_by in ("gap", "capture-end") else "none"


def clients(
    exchanges: Iterable[tuple[Exchange, tuple[str, int]]],
    roles: Roles,
    processes: Mapping[str, Process] | None = None,
) -> tuple[Client, ...]:
    """One `Client` for each address, user agent and service, in order of appearance.

    Each exchange comes with the host and port of the service it is for.  A
    call counts once: its second leg (`relays`) does not, nor do the API
    proxy's own requests to the forward proxy, and what it asks inside its
    tunnels.  `processes` tells who made a connection, by its id; a client of
    several has that of its first call.
    """
    tallies: dict[_Key, _Tally] = {}
    for exchange, (host, port) in exchanges:
        request = exchange.request
        if request is None or exchange.relays is not None:
            continue
        if exchange.hop == "api-proxy-to-forward-proxy":
            continue
        if exchange.decrypted and roles.role(exchange.client.ip) == "api-proxy":
            continue
        key = (exchange.client.ip, request.user_agent, exchange.provider, host, port)
        tally = tallies.setdefault(key, _Tally(exchange.client.ip))
        tally.requests += 1
        if tally.process is None and processes:
            tally.process = processes.get(exchange.connection)
        for header in dict.fromkeys(request.auth):
            tally.auth[header] += 1
        tally.statuses[status_of(exchange)] += 1
    return tuple(
        Client(
            ip=ip,
            user_agent=user_agent,
            role=roles.role(ip),
            provider=provider,
            service=Endpoint(host, port),
            requests=tally.requests,
            auth_headers=tuple(
                ClientAuth(header.name, header.scheme, header.credential, count)
                for header, count in tally.auth.items()
            ),
            statuses=dict(sorted(tally.statuses.items())),
            process=tally.process,
        )
        for (ip, user_agent, provider, host, port), tally in tallies.items()
    )
