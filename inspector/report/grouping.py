"""What of a report belongs on one line of its first page.

Tunnels that differ in nothing a reader acts on are one row, and so are
connections that failed alike and answers that state the same error.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from inspector.facts import Client, Connection, DirectTls, Exchange, Tunnel
from inspector.report.model import Report
from inspector.report.words import connect_reply, tls_outcome

T = TypeVar("T")

#: The body's error, the forward proxy's error name, the content type.
Statement = tuple[int, str | None, str | None, str | None, str | None]

_SQUID_ERROR: Final = "x-squid-error"


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of the first page, each a list of facts that share it."""

    calls: tuple[Exchange, ...]
    tunnels: tuple[tuple[Tunnel, ...], ...]
    direct_tls: tuple[tuple[DirectTls, ...], ...]
    silent: tuple[tuple[Connection, ...], ...]
    errors: tuple[tuple[Exchange, ...], ...]


def page(report: Report) -> Page:
    """Group a report.  Groups are in order of their first member."""
    spoken = {exchange.connection for exchange in report.exchanges}
    spoken.update(tunnel.connection for tunnel in report.tunnels)
    spoken.update(direct.connection for direct in report.direct_tls)
    spoken.update(t.egress.connection for t in report.tunnels if t.egress is not None)
    calls = tuple(exchange for exchange in report.exchanges if is_call(exchange))
    return Page(
        calls=calls,
        tunnels=_groups(report.tunnels, _tunnel_row),
        direct_tls=_groups(report.direct_tls, _direct_row),
        silent=_groups((c for c in report.connections if c.id not in spoken), _silent_row),
        errors=_groups((e for e in calls if _failed(e)), statement),
    )


def is_call(exchange: Exchange) -> bool:
    """Whether an exchange is a client's own, not the second leg of one nor the proxy's."""
    return exchange.relays is None and exchange.hop not in (
        "api-proxy-to-forward-proxy",
        "forward-proxy-to-api-proxy",
    )


def made_by(client: Client, calls: Iterable[Exchange]) -> list[Exchange]:
    """The calls behind a row of `clients`."""
    return [
        call
        for call in calls
        if call.client.ip == client.ip
        and call.provider == client.provider
        and (call.request.user_agent if call.request else None) == client.user_agent
    ]


def status(exchange: Exchange) -> str:
    """The key of an exchange in `Client.statuses`."""
    return str(exchange.response.status) if exchange.response else "none"


def statement(exchange: Exchange) -> Statement:
    """What a failed answer states about itself."""
    response = exchange.response
    if response is None:
        return 0, None, None, None, None
    error = response.api_error
    squid = next((v for n, v in response.headers if n.lower() == _SQUID_ERROR), None)
    return (
        response.status,
        error.type if error else None,
        error.message if error else None,
        squid,
        response.content_type,
    )


def _failed(exchange: Exchange) -> bool:
    return exchange.response is not None and exchange.response.status >= 400


def _tunnel_row(tunnel: Tunnel) -> Hashable:
    return (
        tunnel.client.ip,
        tunnel.authority,
        connect_reply(tunnel),
        tunnel.protocol,
        tls_outcome(tunnel),
    )


def _direct_row(direct: DirectTls) -> Hashable:
    return direct.client.ip, direct.server, direct.tls.sni, direct.tls.handshake


def _silent_row(connection: Connection) -> Hashable:
    return connection.client.ip, connection.server, connection.outcome, connection.closed_by


def _groups(items: Iterable[T], row: Callable[[T], Hashable]) -> tuple[tuple[T, ...], ...]:
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(row(item), []).append(item)
    return tuple(map(tuple, groups.values()))
