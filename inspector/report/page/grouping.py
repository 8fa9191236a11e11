"""What of a report belongs on one line of its first page.

Tunnels that differ in nothing a reader acts on are one row, and so are
connections that failed alike and answers that state the same error.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final, TypeVar

from inspector.diagnosis.outcome import is_in_order, outcome_of
from inspector.diagnosis.usable import is_redirect, unusable
from inspector.exchanges.calls import is_call, is_clients_own, relayed_to
from inspector.exchanges.clients import program_of
from inspector.exchanges.services import service_for
from inspector.fact import Fact
from inspector.model.http import EndedBy, Exchange, header
from inspector.model.ids import ConnectionId, TunnelId
from inspector.model.network import Connection, DirectTls, Tunnel
from inspector.model.report import Report
from inspector.model.topology import Client
from inspector.report.page.escape import clipped
from inspector.report.page.words import CELL, MESSAGE, connect_reply, grpc, stream, tls_outcome

T = TypeVar("T")

#: The program and container of a call of which nobody knows them.
NOBODY: Final = program_of(None)
_SQUID_ERROR: Final = "x-squid-error"

#: What a success is that no client can take.
UNUSABLE: Final = {
    "nothing": "no body where the API's answer should be",
    "silence": "a stream of pings where the API's answer should be",
    "page": "a web page where the API's answer should be",
    "coding": "a content coding that the client did not offer",
    "lengths": "two lengths, no number, or not the length that it has",
    "no-socket": "no switch to WebSocket",
    "status": "a status that HTTP does not have",
    "nowhere": "a redirection without an address",
    "framing": "Content-Length beside Transfer-Encoding",
}

_ENDED: Final[Mapping[EndedBy, str]] = {
    "complete": "the exchange ended in order",
    "client": "the client closed",
    "server": "the server closed",
    "reset-by-client": "the client reset",
    "reset-by-server": "the server reset",
    "gap": "bytes are missing from the capture",
    "capture-end": "the capture ends here",
    "unread": "what came is no HTTP",
}


class Page(Fact):
    """The rows of the first page, each a list of facts that share it.

    `asked` is all that clients asked, `calls` what of it is one (`exchanges.calls`), `next_legs`
    are the exchanges that relay another one.
    """

    asked: tuple[Exchange, ...]
    calls: tuple[Exchange, ...]
    next_legs: tuple[Exchange, ...]
    by_client: Mapping[Hashable, tuple[Exchange, ...]]
    direct_tls: tuple[tuple[DirectTls, ...], ...]
    silent: tuple[tuple[Connection, ...], ...]
    failures: tuple[tuple[Exchange, ...], ...]

    def made_by(self, client: Client) -> tuple[Exchange, ...]:
        """What a row of `clients` asked, calls and all else."""
        return self.by_client.get(_client_row(client), ())


def page(report: Report) -> Page:
    """Group a report.  Groups are in order of their first member."""
    proxies = frozenset(report.topology.api_proxy)
    spoken: set[ConnectionId] = set()
    asked: list[Exchange] = []
    next_legs: list[Exchange] = []
    for one in report.exchanges:  # one look at each: they are packed
        spoken.add(one.connection)
        if one.relays is not None:
            next_legs.append(one)
        elif is_clients_own(one, proxies):
            asked.append(one)
    spoken.update(tunnel.connection for tunnel in report.tunnels)
    spoken.update(direct.connection for direct in report.direct_tls)
    spoken.update(t.egress.connection for t in report.tunnels if t.egress is not None)
    relayed = relayed_to(next_legs, report.topology)
    calls = tuple(
        one
        for one in asked
        if is_call(one, at_api_proxy=one.server.ip in proxies or one.id in relayed)
    )
    programs: dict[ConnectionId, tuple[str | None, str | None]] = {}
    if any(client.process is not None for client in report.clients):
        programs = {each.id: program_of(each.client_process) for each in report.connections}
    authorities = {tunnel.id: tunnel.authority for tunnel in report.tunnels if tunnel.exchanges}
    by_client: dict[Hashable, list[Exchange]] = {}
    for call in asked:
        row = (*_caller(call, authorities), *programs.get(call.connection, NOBODY))
        by_client.setdefault(row, []).append(call)
    return Page(
        asked=tuple(asked),
        calls=calls,
        next_legs=tuple(next_legs),
        by_client={row: tuple(made) for row, made in by_client.items()},
        direct_tls=groups(report.direct_tls, _direct_row),
        silent=groups((c for c in report.connections if c.id not in spoken), _silent_row),
        failures=groups(
            (call for call in asked if outcome_of(call) != "answered" and failure(call)),
            _failure_row,
        ),
    )


def _client_row(client: Client) -> Hashable:
    service = client.service
    caller = client.ip, client.user_agent, client.provider, service.ip, service.port
    return (*caller, *program_of(client.process))


def _caller(
    call: Exchange, authorities: Mapping[TunnelId, str | None]
) -> tuple[str, str | None, str, str, int]:
    """The row of `clients` that counts a call."""
    authority = None if call.tunnel is None else authorities.get(call.tunnel)
    host, port = service_for(call.request, authority, call.server)
    user_agent = None if call.request is None else call.request.user_agent
    return call.client.ip, user_agent, call.provider, host, port


def status(exchange: Exchange) -> str:
    """The key of an exchange in `Client.statuses`."""
    return str(exchange.response.status) if exchange.response else "none"


def failure(exchange: Exchange) -> str:
    """What a call that did not end well states about itself; empty for one that did.

    The body's error and Squid's name for it come first: who made the answer is
    what a reader needs.  Then whatever was cut: an event stream without its
    provider's last event, a message without its end.
    """
    response = exchange.response
    if response is None:
        heard = f"no final answer after {', '.join(map(str, exchange.interim))}"
        return f"{heard if exchange.interim else 'no answer'}: {_ended(exchange)}"
    said = []
    if is_redirect(response):
        said.append(f"sent to {clipped(header(response, 'location') or '', MESSAGE)}")
    why = unusable(exchange)
    if why is not None and why != "error":
        said.append(UNUSABLE[why])
    is_failed_grpc = exchange.grpc is not None and bool(exchange.grpc.status)
    if response.status >= 400 or why == "error" or is_failed_grpc:
        stated = []
        squid = header(response, _SQUID_ERROR)
        error = response.api_error
        if squid:
            stated.append(f"X-Squid-Error: {clipped(squid, CELL)}")
        if error and error.type:
            stated.append(clipped(error.type, CELL))
        if error and error.message:
            stated.append(f'"{clipped(error.message, MESSAGE)}"')
        if not stated:
            kind = clipped(response.content_type or "no content type", 60)
            stated.append(f"no error that can be read ({kind})")
        said.append(" ".join(stated))
    shown = response.stream
    if shown is not None and (shown.error or shown.malformed or not shown.terminated):
        said.append(f"event stream: {stream(shown)}")
    if exchange.grpc is not None and exchange.grpc.status:
        said.append(grpc(exchange.grpc))
    socket = exchange.websocket
    if socket is not None and not is_in_order(socket):
        by = f"by the {socket.closed_by} after {socket.messages_down} of its messages"
        said.append(f"WebSocket closed with {socket.close_code} {by}")
    if exchange.ended_by != "complete":
        said.append(f"cut short: {_ended(exchange)}")
    return "; ".join(said)


def _ended(exchange: Exchange) -> str:
    """How it ended; the word of a later version stands for itself."""
    return _ENDED.get(exchange.ended_by, exchange.ended_by)


def _failure_row(exchange: Exchange) -> Hashable:
    return status(exchange), failure(exchange)


def tunnel_row(tunnel: Tunnel) -> tuple[Hashable, ...]:
    """What tunnels in one row have in common."""
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


def groups(items: Iterable[T], row: Callable[[T], Hashable]) -> tuple[tuple[T, ...], ...]:
    """Items that share a row, the groups in order of their first member."""
    found: dict[Hashable, list[T]] = {}
    for item in items:
        found.setdefault(row(item), []).append(item)
    return tuple(map(tuple, found.values()))
