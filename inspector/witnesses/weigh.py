"""Log lines held against the packets: what each is about, and where they disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from inspector.fact import Changing, Fact, field
from inspector.model.conclusions import (
    Disagreement,
    DisagreementKind,
    Evidence,
    Testimony,
    Witness,
    Witnesses,
)
from inspector.model.http import Exchange
from inspector.model.ids import ExchangeId, TunnelId
from inspector.model.network import Connection, Tunnel
from inspector.witnesses.lines import CALL_EVENTS, STATING, Line, ProxyLine, SquidLine
from inspector.witnesses.manifest import Manifest

SECOND: Final = 1_000_000_000
#: Joined lines and disagreements that are kept; beyond they are only counted.
KEPT: Final = 5000
#: Statements that lines are weighed for; a log that is longer is read to here.
MAX_LINES: Final = 200_000
#: A line is written this close to what it is about.
NEAR: Final = 2 * SECOND

_Ends = tuple[str, int]


class _Thing(Fact):
    """A tunnel or an exchange as a line may mean it."""

    id: str
    opened: int
    closed: int
    status: int | None
    silent: bool
    packet: int
    ip: str
    name: str


class _Call(Changing):
    """What the API proxy said of one call, over its lines."""

    line: int
    at: int
    file: str
    path: str | None = None
    method: str | None = None
    status: int | None = None
    event: str = ""


class Scales(Changing):
    """The packets' side, indexed for lines; then the lines, one by one.

    `span` is the capture's first and last time: a line outside of it is about
    something else.
    """

    span: tuple[int, int]
    #: How the report shows a target, and an id that nothing grants: logs have them as they are.
    target: Callable[[bytes], str]
    label: Callable[[str], str]
    _tunnels: dict[_Ends, list[_Thing]] = field(default_factory=lambda: defaultdict(list))
    _by_ip: dict[tuple[str, str], list[_Thing]] = field(default_factory=lambda: defaultdict(list))
    _of_ip: dict[str, list[_Thing]] = field(default_factory=lambda: defaultdict(list))
    _requests: dict[_Ends, list[_Thing]] = field(default_factory=lambda: defaultdict(list))
    _ends: set[_Ends] = field(default_factory=set)
    _ips: set[str] = field(default_factory=set)
    _by_request_id: dict[str, _Thing] = field(default_factory=dict)
    _by_path: dict[tuple[str, str], list[_Thing]] = field(default_factory=lambda: defaultdict(list))
    _calls: dict[str, _Call] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    # Tunnels whose opening Squid logged by itself: a second line tells what became of them.
    _opened: set[str] = field(default_factory=set)
    _joined: list[Testimony] = field(default_factory=list)
    _odd: list[Disagreement] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    #: The rules of Squid, if a file beside the packets has them.
    manifest: Manifest | None = None
    # The log that is read.
    _file: str = ""
    squid_lines: int = 0
    api_proxy_lines: int = 0
    unread_lines: int = 0
    joined_lines: int = 0
    not_captured: int = 0

    def packets(
        self,
        exchanges: Iterable[Exchange],
        tunnels: Iterable[Tunnel],
        connections: Iterable[Connection],
    ) -> None:
        """What the capture shows."""
        for connection in connections:
            self._ends.add((connection.client.ip, connection.client.port))
            self._ips.add(connection.client.ip)
        for tunnel in tunnels:
            thing = _Thing(
                tunnel.id,
                tunnel.opened_at,
                tunnel.closed_at or tunnel.opened_at,
                tunnel.connect_status,
                tunnel.established is True and not tunnel.bytes_down,
                tunnel.packet,
                tunnel.client.ip,
                tunnel.authority or "",
            )
            self._tunnels[tunnel.client.ip, tunnel.client.port].append(thing)
            self._by_ip[tunnel.client.ip, thing.name].append(thing)
            self._of_ip[tunnel.client.ip].append(thing)
        for exchange in exchanges:
            request, response = exchange.request, exchange.response
            if request is None or (exchange.tunnel is not None and exchange.relays is None):
                continue
            thing = _Thing(
                exchange.id,
                request.started_at,
                (response.ended_at if response else None) or request.started_at,
                response.status if response else None,
                False,
                request.packet,
                exchange.client.ip,
                request.target,
            )
            self._requests[exchange.client.ip, exchange.client.port].append(thing)
            if exchange.hop in ("agent-to-api-proxy", "forward-proxy-to-api-proxy", "other"):
                self._by_path[request.method, _path(request.target)].append(thing)
                for name, value in response.headers if response else ():
                    if name.lower() == "x-request-id":
                        self._by_request_id[value] = thing

    def log(self, name: str, lines: Iterable[Line | None]) -> None:
        """One log; `name` is that of its file."""
        before = self.squid_lines + self.api_proxy_lines
        unread = self.unread_lines
        self._file = name
        self._lines(lines)
        if self.squid_lines + self.api_proxy_lines == before and self.unread_lines > unread:
            self._notes.append(f"{name}: no line of a known format")

    def rules(self, name: str, manifest: Manifest | None) -> None:
        """The firewall's rules; of several files the first that is one counts."""
        if manifest is None:
            self._notes.append(f"{name}: no manifest of rules in a known form")
        elif self.manifest is None:
            self.manifest = manifest

    def _lines(self, lines: Iterable[Line | None]) -> None:
        for line in lines:
            if line is None:
                self.unread_lines += 1
            elif self.squid_lines + self.api_proxy_lines >= MAX_LINES:
                return
            elif isinstance(line, SquidLine):
                self.squid_lines += 1
                self._squid(line)
            elif line.event in CALL_EVENTS and line.request_id is not None:
                self.api_proxy_lines += 1
                self._note_call(line, line.request_id)
            else:
                self.api_proxy_lines += 1

    def verdict(self) -> Witnesses:
        """Everything said; the API proxy's calls are weighed now that all their lines are read."""
        for request_id, call in self._calls.items():
            self._call(request_id, call)
        notes = self._notes
        if self.joined_lines > len(self._joined):
            notes.append(f"{self.joined_lines} lines were joined, the first {KEPT} are listed")
        if (self.squid_lines or self._calls) and not self.joined_lines:
            # Another run's logs say nothing of what this capture lacks.
            self._odd = [item for item in self._odd if item.kind != "not-captured"]
            self.not_captured = 0
            notes.append("no line belongs to anything in the capture: logs of another run?")
        return Witnesses(
            squid_lines=self.squid_lines,
            api_proxy_lines=self.api_proxy_lines,
            unread_lines=self.unread_lines,
            joined=tuple(self._joined),
            disagreements=tuple(sorted(self._odd, key=lambda item: item.logged_at)),
            notes=tuple(notes),
            policy_rules=None if self.manifest is None else len(self.manifest.rules),
        )

    # -- Squid ----------------------------------------------------------------

    def _squid(self, line: SquidLine) -> None:
        if line.method == "-":
            return  # a connection that ended; its request has a line of its own
        is_connect = line.method == "CONNECT"
        thing = self._tunnel_of(line) if is_connect else self._request_of(line)
        if thing is None:
            if self._is_lacking(line):
                self._disagree("not-captured", "forward-proxy", line.number, line.at, line.status)
            return
        self._join(
            "forward-proxy", line.number, line.at, thing, line.status, line.decision, is_connect
        )
        evidence = Evidence(
            tunnel=TunnelId(thing.id) if is_connect else None,
            exchange=None if is_connect else ExchangeId(thing.id),
            packet=thing.packet,
        )
        if is_connect and self._follows(line, thing):
            return
        if thing.status is not None and thing.status != line.status:
            self._disagree(
                "status-differs",
                "forward-proxy",
                line.number,
                line.at,
                line.status,
                thing.status,
                evidence,
            )
        elif is_connect and line.status == 200 and thing.silent:
            self._disagree(
                "empty-tunnel",
                "forward-proxy",
                line.number,
                line.at,
                line.status,
                thing.status,
                evidence,
            )

    def _follows(self, line: SquidLine, thing: _Thing) -> bool:
        """Whether it is the second line of a tunnel that was opened before Squid looked at it.

        Its status is what came of the rest (500 for some that went well, measured), not the
        answer to the CONNECT.  Without a port it may be any tunnel's.
        """
        if line.opens:
            self._opened.add(thing.id)
            return False
        return thing.id in self._opened or (line.port is None and bool(self._opened))

    def _tunnel_of(self, line: SquidLine) -> _Thing | None:
        if line.port is not None:
            return _latest(self._tunnels.get((line.ip, line.port), ()), line.at)

        def distance(thing: _Thing) -> int:
            return abs((thing.opened if line.opens else thing.closed) - line.at)

        if line.is_redacted:
            things = [thing for thing in self._of_ip.get(line.ip, ()) if distance(thing) <= NEAR]
            return things[0] if len(things) == 1 else None
        near = [
            thing
            for thing in self._by_ip.get((line.ip, self._shown(line)), ())
            if distance(thing) <= NEAR
        ]
        return min(near, key=distance, default=None)

    def _request_of(self, line: SquidLine) -> _Thing | None:
        if line.port is not None:
            return _latest(self._requests.get((line.ip, line.port), ()), line.at)
        return None

    def _is_lacking(self, line: SquidLine) -> bool:
        """Whether packets of it ought to be there: in the span, of a host that was seen."""
        begin, end = self.span
        if not begin + SECOND <= line.at <= end or line.ip not in self._ips:
            return False
        if line.port is not None:
            return (line.ip, line.port) not in self._ends
        if line.is_redacted:
            return False  # which host it was is not told
        # Without a port only a host that opened no tunnel thither at all is beyond doubt.
        return line.method == "CONNECT" and not self._by_ip.get((line.ip, self._shown(line)))

    def _shown(self, line: SquidLine) -> str:
        return self.target(line.target.encode("utf-8", "replace"))

    # -- the API proxy --------------------------------------------------------

    def _note_call(self, line: ProxyLine, request_id: str) -> None:
        request_id = self.label(request_id)
        call = self._calls.get(request_id)
        if call is None:
            call = self._calls[request_id] = _Call(line.number, line.at, self._file)
        call.path = call.path or line.path
        call.method = call.method or line.method
        if line.status is not None and line.event in STATING:
            call.status = line.status
        call.event = line.event

    def _call(self, request_id: str, call: _Call) -> None:
        self._file = call.file
        thing = self._by_request_id.get(request_id) or self._call_near(call)
        if thing is None:
            begin, end = self.span
            if call.path is not None and begin + SECOND <= call.at <= end:
                self._disagree("not-captured", "api-proxy", call.line, call.at, call.status)
            return
        self._taken.add(thing.id)
        self._join("api-proxy", call.line, call.at, thing, call.status, call.event, False)
        if None not in (call.status, thing.status) and call.status != thing.status:
            self._disagree(
                "status-differs",
                "api-proxy",
                call.line,
                call.at,
                call.status,
                thing.status,
                Evidence(exchange=ExchangeId(thing.id), packet=thing.packet),
            )

    def _call_near(self, call: _Call) -> _Thing | None:
        """A call whose answer, and with it the id, is not there: by path and time."""
        if call.path is None:
            return None
        path = _path(self.target(call.path.encode("utf-8", "replace")))
        things = self._by_path.get((call.method or "GET", path), ())
        near = [
            thing
            for thing in things
            if abs(thing.opened - call.at) <= NEAR and thing.id not in self._taken
        ]
        return min(near, key=lambda thing: abs(thing.opened - call.at), default=None)

    # -- both -----------------------------------------------------------------

    def _join(
        self,
        witness: Witness,
        number: int,
        at: int,
        thing: _Thing,
        status: int | None,
        decision: str,
        is_tunnel: bool,
    ) -> None:
        self.joined_lines += 1
        if len(self._joined) < KEPT:
            self._joined.append(
                Testimony(
                    witness=witness,
                    line=number,
                    logged_at=at,
                    tunnel=TunnelId(thing.id) if is_tunnel else None,
                    exchange=None if is_tunnel else ExchangeId(thing.id),
                    status=status,
                    decision=decision,
                    file=self._file,
                )
            )

    def _disagree(
        self,
        kind: DisagreementKind,
        witness: Witness,
        number: int,
        at: int,
        logged: int | None,
        captured: int | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        self.not_captured += kind == "not-captured"
        if len(self._odd) < KEPT:
            self._odd.append(
                Disagreement(
                    kind, witness, number, at, logged, captured, evidence or Evidence(), self._file
                )
            )


def _latest(things: Iterable[_Thing], at: int) -> _Thing | None:
    """The latest that began before the line: ports are reused, and a line comes at the end."""
    begun = [thing for thing in things if thing.opened <= at + SECOND]
    return max(begun, key=lambda thing: thing.opened, default=None)


def _path(target: str) -> str:
    """A target's path alone: logs write the query or leave it out."""
    return target.partition("?")[0]
