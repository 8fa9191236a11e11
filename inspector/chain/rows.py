"""What joining needs of a call and of a tunnel: a few numbers, not the whole record.

A capture may hold more than a hundred thousand exchanges, and as many tunnels: their rows
are packed (measured: 100,000 calls with a tunnel each in 25 MB, as tuples in 170 MB).
Times are ns; -1 stands for "not known".
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from inspector.chain.answerer import likely
from inspector.chain.signs import marks_of
from inspector.exchanges.calls import is_look_at_proxy
from inspector.exchanges.turns import TunnelTurn, pauses
from inspector.model.http import EndedBy, Exchange, Request, Response, header
from inspector.model.ids import ExchangeId, TunnelId, number_of
from inspector.model.network import ClosedBy, Connection, Headers, Tunnel
from inspector.model.topology import Topology
from inspector.packed import PackedList, Reordered
from inspector.secrets.labels import length

#: Whose words an answer is in, as far as its header block shows.
Voice: TypeAlias = Literal["api-proxy", "forward-proxy", "relayed", "upgrade", "none"]

UNKNOWN: Final = -1

#: The last time that 64 bits hold; a file may state any.
_LATEST: Final = (1 << 63) - 1
_SIDES: Final[tuple[ClosedBy | None, ...]] = (
    None, "client", "server", "reset-by-client", "reset-by-server",
)  # fmt: skip


#: A client that sends FIN may still be waiting (RFC 9112 9.6: half-closed; `nc -N`), and an API
#: proxy that takes it for leaving has the request already: its tunnel may follow within this (ns).
AFTER_FIN: Final = 1_000_000_000


class CallRow(NamedTuple):
    """One call at the API proxy.  `asked` and `answered` are when its messages began,
    `sent` when the request was whole, `done` when the response was (or stopped).  `marks` are the
    signs that the answer shows of who wrote it (`signs.marks_of`).
    """

    id: ExchangeId
    position: int
    service: tuple[str, int]
    kind: int
    connection: int
    asked: int
    sent: int
    answered: int
    done: int
    closed: int
    closed_by: ClosedBy | None
    up: int
    down: int
    headers_down: int
    status: int
    whole: bool
    voice: Voice
    marks: int
    ended_by: EndedBy
    is_agents: bool
    #: Bytes of the request's head, without the digits of its Content-Length, and these.
    headers_up: int = 0
    digits_up: int = 0

    @property
    def begun(self) -> int:
        """From when on a tunnel may be opened for it; -1 if its request was not seen."""
        return self.sent if self.sent != UNKNOWN else self.asked

    @property
    def until(self) -> int:
        """Until when the API proxy may have opened a tunnel for it; -1: no end is known."""
        if self.answered != UNKNOWN:
            return self.answered
        if self.closed_by == "client":
            return self.closed + AFTER_FIN
        return self.closed


class Carrier(NamedTuple):
    """One tunnel of the API proxy.  `opened` is its SYN, `is_whole` that it was seen from there.

    `last` is when the last byte went through, `heard` when the last one came back.
    `failed`: it can have carried no answer, since the CONNECT was refused or TLS failed inside.
    """

    id: TunnelId
    position: int
    connection: int
    proxy: str
    authority: str | None
    opened: int
    first: int
    last: int
    heard: int
    closed: int
    status: int
    failed: bool
    refused: bool
    up: int
    down: int
    is_whole: bool
    #: Bytes of its connection up, by sequence numbers: known also where packets are missing.
    span: int = UNKNOWN
    #: Of a tunnel with several turns the times of what came back in each: first and last byte.
    pauses: tuple[tuple[int, int], ...] = ()
    #: Whether it was closed from the forward proxy's side.
    is_closed_beyond: bool = False

    def heard_by(self, at: int) -> int:
        """When the last byte had come back at that time; -1: none had."""
        if not self.pauses:
            return self.heard
        begun = [last for first, last in self.pauses if first <= at]
        return min(begun[-1], at) if begun else UNKNOWN

    @property
    def over(self) -> int:
        """When nothing more went through it; -1: not known."""
        return max(self.last, self.closed)


class Moments:
    """When each connection was opened and closed, by its number, and how it was met."""

    def __init__(self, connections: Iterable[Connection], topology: Topology) -> None:
        self._opened = array("q")
        self._closed = array("q")
        self._closed_by = bytearray()
        self._up = array("q")
        self.midstream: set[int] = set()
        self.hop_seen = False
        proxies, forward = set(topology.api_proxy), set(topology.forward_proxy)
        for connection in connections:
            to_forward = connection.client.ip in proxies and connection.server.ip in forward
            if not to_forward and connection.server.ip not in proxies:
                continue
            number = number_of(connection.id)
            self.hop_seen |= to_forward
            if connection.outcome == "midstream":
                self.midstream.add(number)
            self._make_room(number)
            if to_forward:
                self._opened[number] = min(connection.opened_at, _LATEST)
                if connection.outcome == "established":
                    self._up[number] = min(connection.bytes_up, _LATEST)
            if connection.closed_at is not None:
                self._closed[number] = min(connection.closed_at, _LATEST)
                self._closed_by[number] = _SIDES.index(connection.closed_by)

    def opened(self, number: int) -> int:
        """When the API proxy opened a connection to the forward proxy; -1: not known."""
        return self._opened[number] if number < len(self._opened) else UNKNOWN

    def closed(self, number: int) -> tuple[int, ClosedBy | None]:
        """When a connection was closed, and by which side; -1: not known."""
        if number >= len(self._closed):
            return UNKNOWN, None
        return self._closed[number], _SIDES[self._closed_by[number]]

    def span(self, number: int) -> int:
        """How many bytes the API proxy sent on a connection, from its SYN on; -1: not known."""
        return self._up[number] if number < len(self._up) else UNKNOWN

    def _make_room(self, number: int) -> None:
        more = number + 1 - len(self._closed)
        if more > 0:
            self._opened.extend([UNKNOWN] * more)
            self._closed.extend([UNKNOWN] * more)
            self._up.extend([UNKNOWN] * more)
            self._closed_by.extend(bytes(more))


class Kinds:
    """Numbers for kinds of call: equal requests of one client grow alike on their way."""

    LIMIT: Final = 4096

    def __init__(self) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}

    def of(self, exchange: Exchange, headers_up: int) -> int:
        """The number of an exchange's kind, whose request has so many bytes of header."""
        request = exchange.request
        if request is None:
            return UNKNOWN
        key = (
            exchange.server,
            request.method,
            length(request.target),
            headers_up,
        )
        if key not in self._numbers and len(self._numbers) >= self.LIMIT:
            return UNKNOWN
        return self._numbers.setdefault(key, len(self._numbers))


def calls(
    exchanges: Iterable[Exchange], moments: Moments, topology: Topology, *, sized: bool = True
) -> Iterator[CallRow]:
    """Every call at an API proxy, whoever made it: others than the agent's use tunnels too.

    Sizes of heads, which are compared with those of tunnels, are told where `sized` says so.
    """
    proxies = set(topology.api_proxy)
    kinds = Kinds() if sized else None
    for position, exchange in enumerate(exchanges):
        if exchange.server.ip in proxies and exchange.tunnel is None:
            yield _call(position, exchange, kinds, moments, topology)


def is_agents_call(exchange: Exchange, topology: Topology) -> bool:
    """Whether a call at an API proxy is an agent's: anybody's who has no other role.

    Agents are told by what they do: microVMs call from the gateway's address or from 100.64/10,
    two may stand side by side.  Only a look at the API proxy's own pages is not a call.
    """
    if is_look_at_proxy(exchange):
        return False
    if exchange.hop in ("agent-to-api-proxy", "forward-proxy-to-api-proxy"):
        return True
    if exchange.client.ip in topology.api_proxy or exchange.client.ip in topology.forward_proxy:
        return False
    return exchange.request is not None


def _call(
    position: int, exchange: Exchange, kinds: Kinds | None, moments: Moments, topology: Topology
) -> CallRow:
    request, response = exchange.request, exchange.response
    kind, digits, headers_up, headers_down = UNKNOWN, 0, 0, 0
    if kinds is not None:
        if request is not None:
            # A body of another length has one digit more or less: that makes no other kind.
            digits = _digits_up(request)
            headers_up = _headers_up(request) - digits
        kind = kinds.of(exchange, headers_up)
        headers_down = _size(response.headers) if response is not None else 0
    connection = number_of(exchange.connection)
    closed, closed_by = moments.closed(connection)
    marks = 0 if response is None else marks_of(response)
    # By place: a named tuple takes three times as long by its names.
    return CallRow(
        exchange.id,
        position,
        (exchange.server.ip, exchange.server.port),
        kind,
        connection,
        request.started_at if request else UNKNOWN,  # asked
        _time(request.ended_at) if request and request.complete else UNKNOWN,  # sent
        response.started_at if response else UNKNOWN,  # answered
        _time(response.ended_at) if response else UNKNOWN,  # done
        closed,
        closed_by,
        request.body_bytes if request else 0,  # up
        response.body_bytes if response else 0,  # down
        headers_down,
        response.status if response else UNKNOWN,
        response is not None and response.complete,  # whole
        voice(response, marks),
        marks,
        exchange.ended_by,
        is_agents_call(exchange, topology),
        headers_up,
        digits,
    )


def _headers_up(request: Request) -> int:
    return len(request.method) + length(request.target) + _size(request.headers)


def _size(headers: Headers) -> int:
    """How many bytes header fields are on the wire, each with its colon, space and line end."""
    if not headers:
        return 0
    names, values = zip(*headers, strict=True)
    # No label goes over a line, so all values are looked through at once.
    return len("".join(names)) + length("\n".join(values)) + 3 * len(names) + 1


def _digits_up(request: Request) -> int:
    """How many digits its Content-Length has, which is passed on or written anew."""
    return len(header(request, "content-length") or "")


def voice(response: Response | None, marks: int) -> Voice:
    """Return in whose words an answer most likely is, by the answer alone.

    It prices joins; who wrote the answer is decided by all signs (`answerer`).
    """
    if response is None:
        return "none"
    if response.status == 101:
        return "upgrade"
    author = likely(marks)
    return "relayed" if author == "upstream" else author


def carriers(
    tunnels: Sequence[Tunnel],
    moments: Moments,
    topology: Topology,
    turns: Mapping[int, Sequence[TunnelTurn]] | None = None,
) -> Sequence[Carrier]:
    """Every tunnel of an API proxy, in the order of their SYNs; `turns` by the tunnel's number."""
    turns = turns or {}
    proxies = set(topology.api_proxy)
    found: PackedList[Carrier] = PackedList()
    opened = []
    for position, tunnel in enumerate(tunnels):
        if tunnel.client.ip in proxies:
            carrier = _carrier(position, tunnel, moments)
            if several := turns.get(number_of(tunnel.id)):
                carrier = carrier._replace(pauses=pauses(several))
            found.append(carrier)
            opened.append(carrier.opened)
    # A stable sort: of equal times the tunnel that was seen first.
    order = array("L", sorted(range(len(opened)), key=opened.__getitem__))
    return Reordered(found, order)


def _carrier(position: int, tunnel: Tunnel, moments: Moments) -> Carrier:
    connection = number_of(tunnel.connection)
    closed, closed_by = moments.closed(connection)
    opened = moments.opened(connection)
    status = UNKNOWN if tunnel.connect_status is None else tunnel.connect_status
    refused = tunnel.refusal is not None
    tls_failed = tunnel.is_left_unused or (
        tunnel.tls is not None and tunnel.tls.handshake == "failed"
    )
    heard = tunnel.last_down_at
    overhead_up, overhead_down = 22 * tunnel.records_up, 22 * tunnel.records_down
    return Carrier(
        id=tunnel.id,
        position=position,
        connection=connection,
        proxy=tunnel.client.ip,
        authority=None if tunnel.authority is None else tunnel.authority.lower(),
        opened=tunnel.opened_at if opened == UNKNOWN else opened,
        first=_time(tunnel.first_data_at),
        last=_time(tunnel.last_data_at),
        heard=_time(tunnel.last_data_at if heard is None and tunnel.bytes_down else heard),
        closed=closed,
        status=status,
        failed=refused or tls_failed,
        refused=refused,
        up=tunnel.bytes_up - overhead_up,
        down=tunnel.bytes_down - overhead_down,
        is_whole=tunnel.authority is not None
        and status != UNKNOWN
        and connection not in moments.midstream,
        span=moments.span(connection),
        is_closed_beyond=closed_by in ("server", "reset-by-server"),
    )


def _time(value: int | None) -> int:
    return UNKNOWN if value is None else value
