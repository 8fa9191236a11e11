"""What the conversations found, before it is known who is who.

Readers write records here as things end; `assemble` turns them into facts once
the whole capture was seen.  A record holds facts without credentials and the
connection it belongs to, never raw heads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from inspector.credentials.reader import CredentialReader
from inspector.decryption.keystore import Keystore
from inspector.exchanges.blanked import Marks
from inspector.exchanges.grpc import grpc_of
from inspector.exchanges.open_exchange import OpenExchange
from inspector.exchanges.processes import Processes
from inspector.exchanges.services import asks_proxy_itself
from inspector.exchanges.turns import TunnelTurn
from inspector.fact import Changing, field
from inspector.flows.addresses import endpoint
from inspector.flows.contract import ConnectionView
from inspector.model.capture import Fault
from inspector.model.credentials import AuthHeader
from inspector.model.http import EndedBy, Grpc, Request, Response, WebSocket
from inspector.model.ids import connection_id
from inspector.model.network import (
    BY_CLIENT,
    Connection,
    Decryption,
    Endpoint,
    Headers,
    InnerAnswer,
    Refusal,
    Tls,
    TunnelProtocol,
    refusal_of,
)
from inspector.oddities import OddityCounter
from inspector.packed import PackedList
from inspector.protocols.content import Budget
from inspector.protocols.detect import looks_like_response
from inspector.unread import UnreadLog

#: Oddities that mean "a limit cut this off", and what is limited: that connection was
#: not read whole.
READING_LIMITS: Final[Mapping[str, str]] = {
    "too-many-fields": "header fields of a message",
    "head-too-large": "bytes of a head",
    "trailer-too-large": "bytes of a trailer section",
    "chunk-line-too-long": "bytes of a chunk-size line",
    "held-data-limit": "bytes behind an unanswered CONNECT or upgrade",
    "decompression-limit": "decoded bytes of a body",
    "too-many-content-encodings": "codings of a body",
    "sse-oversized-event": "bytes of an event",
    "nested-tunnels-limit": "tunnels within one another",
    "websocket-oversized-message": "bytes of a message of a WebSocket",
    "http2-header-block-too-large": "bytes of a header block of HTTP/2",
    "http2-streams-limit": "open streams of one connection of HTTP/2",
}

INTERNAL_ERROR: Final = "internal-error"


class ExchangeRecord(Changing):
    """A finished exchange.  `tunnel` and `authority` are of the tunnel it went through.

    Of TLS without a tunnel `authority` is what its client asked for by name.

    `written_at`: the generation of keys known before its texts were written; -1: of more than one.
    """

    number: int
    connection: int
    client: Endpoint
    server: Endpoint
    tunnel: int | None
    authority: str | None
    request: Request | None
    response: Response | None
    upgrade: str | None
    ended_by: EndedBy
    interim: tuple[int, ...] = ()
    websocket: WebSocket | None = None
    written_at: int = -1
    decrypted: bool = False
    grpc: Grpc | None = None


class TunnelRecord(Changing):
    """A CONNECT and what went through it."""

    number: int
    connection: int
    client: Endpoint
    proxy: Endpoint
    packet: int
    opened_at: int
    authority: str | None = None
    auth: tuple[AuthHeader, ...] = ()
    headers: Headers = ()
    interim: list[int] = field(default_factory=list)
    connect_status: int | None = None
    proxy_error: str | None = None
    reply_latency: float | None = None
    protocol: TunnelProtocol = "none"
    tls: Tls | None = None
    hello: bytes | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    records_up: int = 0
    records_down: int = 0
    first_data_at: int | None = None
    last_data_at: int | None = None
    last_down_at: int | None = None
    data_down: int | None = None
    closed_at: int | None = None
    closed_by: EndedBy | None = None
    exchanges: list[int] = field(default_factory=list)
    outer: TunnelRecord | None = None
    challenges: tuple[str, ...] = ()
    inner: InnerAnswer | None = None
    tls_answer: str | None = None
    decryption: Decryption | None = None

    @property
    def refusal(self) -> Refusal | None:
        """Why it did not open; None where it did, and while no final answer has come."""
        return refusal_of(
            self.proxy, self.connect_status, self.proxy_error, self.inner, self.challenges
        )


class DirectTlsRecord(Changing):
    """A TLS connection outside any tunnel whose CONNECT was captured.

    `midstream`: what came before the TLS, if anything did, was not captured.
    """

    connection: int
    client: Endpoint
    server: Endpoint
    tls: Tls
    hello: bytes | None
    bytes_up: int
    bytes_down: int
    records_up: int
    records_down: int
    first_data_at: int | None
    last_data_at: int | None
    opened_at: int
    closed_at: int | None
    closed_by: EndedBy | None
    packet: int
    midstream: bool
    decryption: Decryption | None = None


class Ledger:
    """Collects records and numbers them in the order in which they began."""

    def __init__(self, credentials: CredentialReader, keys: Keystore | None = None) -> None:
        self.credentials = credentials
        #: The secrets of TLS sessions; empty where none were given.
        self.keys = Keystore() if keys is None else keys
        self.processes = Processes(credentials.words)
        self.oddities = OddityCounter()
        self.unread = UnreadLog()
        self.exchanges: PackedList[ExchangeRecord] = PackedList()
        self.tunnels: PackedList[TunnelRecord] = PackedList()
        self.connections: PackedList[Connection] = PackedList()
        # The numbers of the records above, in the order in which they ended.
        self.exchange_order: list[int] = []
        self.tunnel_order: list[int] = []
        self.connection_order: list[int] = []
        self.tls: list[DirectTlsRecord] = []
        #: By the number of a tunnel through which more than one request may have gone.
        self.turns: dict[int, tuple[TunnelTurn, ...]] = {}
        # Addresses that were seen, and pairs of them that spoke HTTP.
        self.addresses: set[str] = set()
        self.spoken: set[tuple[str, str]] = set()
        # Outside of tunnels: who asked whom for more than its own pages, which ports answered,
        # and whether a request may name another host than the one that it was sent to.
        self.called: set[tuple[str, str]] = set()
        self.answered: set[tuple[str, int]] = set()
        self.names_hosts = False
        self.unfinished = 0
        #: Answers that broke off where an end of the server's was acknowledged and not captured.
        self.ends_lost = 0
        # Connections with data of which both directions were heard.
        self.two_sided = 0
        self.limits_hit: dict[str, None] = {}
        # What open connections began with, and the answers in plain HTTP to what is no HTTP.
        self.protocols: dict[int, TunnelProtocol] = {}
        self.plain_answers: dict[int, int] = {}
        # What is held behind unanswered CONNECTs and upgrades, in bytes.
        self.held = 0
        # What compressed bodies may decode to, all of them together.
        self.budget = Budget()
        # What requests decode to is no client's way to leave nothing for answers.
        self.asked_budget = Budget()
        # What redacted copies say of what is blank in them.
        self.marks = Marks()
        self.on_exchange: Callable[[ExchangeRecord], None] | None = None
        self.on_tunnel: Callable[[TunnelRecord], None] | None = None
        self._exchange_number = 0
        self._tunnel_number = 0

    def clear(self) -> None:
        """Forget everything: the scope has become narrower."""
        for collected in (
            self.exchanges,
            self.tunnels,
            self.connections,
            self.exchange_order,
            self.tunnel_order,
            self.connection_order,
            self.tls,
            self.turns,
            self.addresses,
            self.spoken,
            self.called,
            self.answered,
            self.oddities,
            self.unread,
            self.limits_hit,
            self.protocols,
            self.plain_answers,
            self.budget,
            self.asked_budget,
        ):
            collected.clear()
        self.keys.forget_taken()
        self.unfinished = self.ends_lost = self.two_sided = 0
        self.names_hosts = False
        self._exchange_number = self._tunnel_number = 0

    def next_exchange(self) -> int:
        """The number of an exchange whose head has just been seen."""
        self._exchange_number += 1
        return self._exchange_number

    def next_tunnel(self) -> int:
        """The number of a tunnel whose CONNECT has just been seen."""
        self._tunnel_number += 1
        return self._tunnel_number

    def fault(self, connection: int, fault: Fault) -> None:
        """Something odd was met on a connection; some of it means that bytes stay unread."""
        self.oddities.add(fault)
        limit = READING_LIMITS.get(fault.name)
        if limit is not None:
            self.limits_hit[limit] = None
            self.unread.note(connection, "limit", fault.packet)
        elif fault.name == INTERNAL_ERROR:
            self.unread.note(connection, "internal-error", fault.packet)

    def note_protocol(self, connection: ConnectionView, protocol: TunnelProtocol) -> None:
        """What a connection begins with."""
        self.protocols[connection.number] = protocol
        if protocol == "unknown":
            self.unread.note(connection.number, "protocol", connection.packet)

    def note_plain_answer(self, connection: ConnectionView, start: bytes) -> None:
        """What a server says first to a client that began otherwise; kept where it is HTTP/1."""
        status = start[9:12]
        if looks_like_response(start) and status.isdigit():
            self.plain_answers.setdefault(connection.number, int(status))

    def leave_unfinished(self, connection: ConnectionView) -> None:
        """The capture ends, and a request, its answer or a CONNECT is still under way."""
        self.unfinished += 1
        self.unread.note(connection.number, "capture-end", None)

    def add_exchange(
        self,
        draft: OpenExchange,
        connection: ConnectionView,
        tunnel: TunnelRecord | None,
        ends: tuple[Endpoint, Endpoint],
        *,
        at_end: bool,
        decrypted: bool = False,
        asked: str | None = None,
    ) -> None:
        """An exchange is over; `decrypted`: it was read inside TLS.

        `at_end`: because its connection is, or the capture.  `asked`: the host and port of a TLS
        connection that goes through no tunnel.
        """
        if draft.body is not None:
            for fault in draft.body.faults:
                self.fault(connection.number, fault)
        if draft.response is None and (connection.half_heard or connection.answer_unheard):
            draft.lost = True
        answered = draft.response_end
        is_whole = answered is not None and answered.complete
        if connection.close_unseen and connection.closed_by in BY_CLIENT and not is_whole:
            # The server may have closed first, and that may have been the answer's end.
            draft.lost = True
            self.ends_lost += 1
            self.unread.note(connection.number, "gap", connection.packet)
        # What is read inside TLS makes nothing incomplete that would be complete without keys.
        if at_end and connection.closed_by is None and draft.is_cut and not decrypted:
            self.leave_unfinished(connection)
        grpc = grpc_of(draft.request, draft.response, draft.response_end)
        authority = asked if tunnel is None else tunnel.authority
        # Before its texts are written: an answer may announce a key that its request showed.
        written_at = self.credentials.generation
        if authority or draft.upgrade or draft.websocket:
            written_at = -1  # some were written long before
        record = ExchangeRecord(
            number=draft.number,
            connection=connection.number,
            client=ends[0],
            server=ends[1],
            tunnel=None if tunnel is None else tunnel.number,
            authority=authority,
            request=draft.request_fact(self.credentials),
            response=draft.response_fact(self.credentials, grpc),
            upgrade=draft.upgrade,
            ended_by=draft.ended_by(connection.closed_by),
            interim=() if draft.response is not None else tuple(draft.interim),
            websocket=draft.websocket,
            written_at=written_at,
            decrypted=decrypted,
            grpc=grpc,
        )
        if tunnel is not None:
            tunnel.exchanges.append(record.number)
        self.exchanges.append(record)
        self.exchange_order.append(record.number)
        self.spoken.add((record.client.ip, record.server.ip))
        if tunnel is None:
            self._note_service(record)
        if self.on_exchange is not None:
            self.on_exchange(record)

    def _note_service(self, record: ExchangeRecord) -> None:
        """What tells roles: once all was seen nobody looks through the records for it."""
        request, server = record.request, record.server
        if record.response is not None:
            self.answered.add((server.ip, server.port))
        if request is None:
            return
        if not asks_proxy_itself(request):
            self.called.add((record.client.ip, server.ip))
        if not request.target.startswith("/"):
            self.names_hosts = True

    def add_connection(self, connection: ConnectionView) -> None:
        """A connection is over, or the capture is."""
        outcome = connection.outcome
        if connection.half_heard:
            if outcome == "unanswered":
                outcome = "established"  # what its client acknowledged was not captured
            self.unread.note(connection.number, "one-sided", connection.packet)
        elif connection.carried:
            self.two_sided += 1
        client, server = endpoint(*connection.client), endpoint(*connection.server)
        self.addresses |= {client.ip, server.ip}
        self.connection_order.append(connection.number)
        last_at = connection.last_at
        client_process, server_process = self.processes.of(
            client, server, connection.opened_at, last_at
        )
        self.connections.append(
            Connection(
                id=connection_id(connection.number),
                client=client,
                server=server,
                opened_at=connection.opened_at,
                closed_at=connection.closed_at,
                closed_by=connection.closed_by,
                outcome=outcome,
                bytes_up=connection.bytes_up,
                bytes_down=connection.bytes_down,
                packet=connection.packet,
                zero_windows=connection.zero_windows,
                retransmissions=connection.retransmissions,
                close_unseen=connection.close_unseen,
                closed_packet=connection.closed_packet,
                unacknowledged=connection.unacknowledged,
                protocol=self.protocols.pop(connection.number, "none"),
                plain_answer=self.plain_answers.pop(connection.number, None),
                client_process=client_process,
                server_process=server_process,
            )
        )

    def add_tunnel(self, record: TunnelRecord) -> None:
        """A tunnel is over (or its CONNECT was refused)."""
        self.tunnels.append(record)
        self.tunnel_order.append(record.number)
        self.spoken.add((record.client.ip, record.proxy.ip))
        if self.on_tunnel is not None:
            self.on_tunnel(record)
