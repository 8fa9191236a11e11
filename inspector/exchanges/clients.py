"""Who sent what where: exchanges grouped into clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from inspector.exchanges.calls import is_call
from inspector.exchanges.numbers import NumbersTally
from inspector.exchanges.topology import Roles
from inspector.fact import Changing, field
from inspector.model.credentials import AuthHeader
from inspector.model.http import UNHEARD, Exchange
from inspector.model.network import Endpoint, Process
from inspector.model.providers import Provider
from inspector.model.topology import Client, ClientAuth

_Key = tuple[str, str | None, Provider, str, int, str | None, str | None]
#: Processes of one client that a report names.
PROCESSES: Final = 64


class _Tally(Changing):
    processes: dict[Process, None] = field(default_factory=dict)
    numbers: NumbersTally = field(default_factory=NumbersTally)
    requests: int = 0
    has_calls: bool = False
    auth: Counter[AuthHeader] = field(default_factory=Counter)
    statuses: dict[str, int] = field(default_factory=dict)
    #: The credentials of the last request, and of how many in a row; not in `auth` yet.
    asked_with: tuple[AuthHeader, ...] = ()
    as_often: int = 0

    def settle(self, following: tuple[AuthHeader, ...] = ()) -> None:
        """Count the credentials of requests in a row, which are mostly the same."""
        for header in dict.fromkeys(self.asked_with):
            self.auth[header] += self.as_often
        self.asked_with, self.as_often = following, 0


def status_of(exchange: Exchange) -> str:
    """Its key in `Client.statuses`; what a gap or the capture's end hides is no missing answer."""
    if exchange.response is not None:
        return str(exchange.response.status)
    return "unknown" if exchange.ended_by in UNHEARD else "none"


def program_of(process: Process | None) -> tuple[str | None, str | None]:
    """The program and the container that tell clients apart; None where nobody knows."""
    if process is None:
        return None, None
    return process.comm, process.container or process.container_id


def clients(
    exchanges: Iterable[tuple[Exchange, tuple[str, int]]],
    roles: Roles,
    processes: Mapping[str, Process] | None = None,
    providers: dict[Provider, NumbersTally] | None = None,
) -> tuple[Client, ...]:
    """One `Client` for each address, user agent, program and service, in order of appearance.

    Each exchange comes with the host and port of the service it is for.  A
    call counts once: its second leg (`relays`) does not, nor do the API
    proxy's own requests to the forward proxy, and what it asks inside its
    tunnels.  `processes` tells who made a connection, by its id.  `providers` is filled with the
    numbers of the calls to each.
    """
    role = lru_cache(maxsize=4096)(roles.role)
    tallies: dict[_Key, _Tally] = {}
    #: Those with a call, in the order of their first ones.
    first_calls: list[tuple[Provider, _Tally]] = []
    for exchange, (host, port) in exchanges:
        request = exchange.request
        if request is None or exchange.relays is not None:
            continue
        if exchange.hop == "api-proxy-to-forward-proxy":
            continue
        ip = exchange.client.ip
        if exchange.decrypted and role(ip) == "api-proxy":
            continue
        process = processes.get(exchange.connection) if processes else None
        program = (None, None) if process is None else program_of(process)
        key = (ip, request.user_agent, exchange.provider, host, port, *program)
        tally = tallies.get(key)
        if tally is None:
            tally = tallies[key] = _Tally()
        tally.requests += 1
        if process is not None and len(tally.processes) < PROCESSES:
            tally.processes[process] = None
        if request.auth != tally.asked_with:
            tally.settle(request.auth)
        tally.as_often += 1
        status = status_of(exchange)
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        if is_call(exchange, at_api_proxy=role(exchange.server.ip) == "api-proxy"):
            if not tally.has_calls:
                tally.has_calls = True
                first_calls.append((exchange.provider, tally))
            tally.numbers.add(exchange)
    for tally in tallies.values():
        tally.settle()
    if providers is not None:
        for provider, tally in first_calls:
            providers.setdefault(provider, NumbersTally()).merge(tally.numbers)
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
            process=next(iter(tally.processes), None),
            processes=tuple(tally.processes),
            numbers=tally.numbers.numbers(),
        )
        for (ip, user_agent, provider, host, port, _, _), tally in tallies.items()
    )
