"""Some of a report's calls: what a page is asked to show alone.

Calls are selected, with all that belongs to them; what the report concludes stays that of the whole
run.  A cause or a verdict of some calls would be one of nobody's run, and the absence of a failure
among them proves nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from inspector.diagnosis.outcome import SUCCEEDED, outcome_of
from inspector.exchanges.clients import status_of
from inspector.exchanges.numbers import tally
from inspector.fact import Fact, replace
from inspector.model.credentials import AuthHeader
from inspector.model.http import Exchange
from inspector.model.ids import ConnectionId, TunnelId
from inspector.model.network import Process
from inspector.model.report import Report
from inspector.model.topology import Client, ClientAuth
from inspector.packed import PackedList
from inspector.report.page.grouping import Page
from inspector.report.page.grouping import page as grouped

_CLASS: Final = "xx"


class TimeBound(Fact):
    """A time in ns: since 1970, or since the first packet of the run."""

    ns: int
    is_offset: bool

    def after(self, start: int) -> int:
        """The same in ns since 1970, in a run that begins at `start`."""
        return start + self.ns if self.is_offset else self.ns


class Selection(Fact):
    """Which calls are meant: those to which all of it applies that is there."""

    clients: tuple[str, ...] = ()
    """Texts: in a user agent, or the address, program or container of a client.  Any of them."""
    providers: tuple[str, ...] = ()
    """Names of providers.  Any of them."""
    failed: bool = False
    """Calls that failed alone."""
    statuses: tuple[str, ...] = ()
    """`401`, `5xx`, `none` for no answer, `unknown` for one that may be uncaptured.  Any."""
    since: TimeBound | None = None
    """Calls that began then or later."""
    until: TimeBound | None = None
    """Calls that began then or before."""
    exchanges: tuple[str, ...] = ()
    """Ids of exchanges: the calls that these are legs of.  Any of them."""
    said: str = ""
    """The same as its user said it."""

    def __bool__(self) -> bool:
        return self != Selection(said=self.said)


class Selected(Fact):
    """A report of the selected calls alone, beside the one that conclusions are from."""

    report: Report
    """The calls with their legs, tunnels and connections; clients are counted anew."""
    calls: int
    """How many of the requests of clients were selected."""
    of: int
    """How many there are."""
    said: str
    """What was asked for."""

    @property
    def sentence(self) -> str:
        """That something is left out, and what still speaks of everything."""
        return (
            f"FILTERED by {self.said}: {self.calls:,} of {self.of:,} requests. Cause, verdicts and"
            " findings are those of the whole run"
        )


def select(report: Report, selection: Selection) -> Selected:
    """The calls of a report to which a selection applies."""
    page = grouped(report)
    chosen = _Chooser(report, selection)
    calls = [call for call in page.asked if chosen.is_meant(call)]
    kept = {leg for call in calls for leg in chosen.legs(call.id)}
    exchanges = PackedList(each for each in report.exchanges if each.id in kept)
    chains = tuple(chain for chain in report.chains if chain.agent_exchange in kept)
    opened: set[TunnelId] = {t for c in chains for t in (*c.attempts, c.tunnel) if t is not None}
    opened.update(each.tunnel for each in exchanges if each.tunnel is not None)
    tunnels = PackedList(each for each in report.tunnels if each.id in opened)
    wires = {each.connection for each in exchanges}
    wires.update(each.connection for each in tunnels)
    wires.update(each.egress.connection for each in tunnels if each.egress is not None)
    alone = replace(
        report,
        exchanges=exchanges,
        tunnels=tunnels,
        connections=PackedList(each for each in report.connections if each.id in wires),
        direct_tls=(),
        chains=chains,
        clients=tuple(_counted_anew(report.clients, page, {call.id for call in calls})),
    )
    return Selected(alone, len(calls), len(page.asked), selection.said)


class _Chooser:
    """Holds calls against a selection."""

    def __init__(self, report: Report, selection: Selection) -> None:
        self._wanted = selection
        started = [c.started_at for c in report.captures if c.started_at is not None]
        start = min(started, default=0)
        self._since = None if selection.since is None else selection.since.after(start)
        self._until = None if selection.until is None else selection.until.after(start)
        self._clients = [text.lower() for text in selection.clients]
        self._processes: dict[ConnectionId, Process] = {}
        if self._clients:
            self._processes = {
                each.id: each.client_process
                for each in report.connections
                if each.client_process is not None
            }
        self._further: defaultdict[str, list[str]] = defaultdict(list)
        for exchange in report.exchanges:
            if exchange.relays is not None:
                self._further[exchange.relays].append(exchange.id)
        for chain in report.chains:
            self._further[chain.agent_exchange] += chain.upstream_exchanges

    def legs(self, call: str) -> Iterator[str]:
        """The ids of a call's own exchange and of all that follow from it."""
        found = {call: None}
        ahead = [call]
        for each in ahead:
            for leg in self._further.get(each, ()):
                if leg not in found:
                    found[leg] = None
                    ahead.append(leg)
        yield from found

    def is_meant(self, call: Exchange) -> bool:
        """Whether all of the selection applies to a call."""
        wanted = self._wanted
        return (
            (not wanted.providers or call.provider in wanted.providers)
            and (not wanted.failed or outcome_of(call) not in SUCCEEDED)
            and (not wanted.statuses or _has_status(call, wanted.statuses))
            and self._is_in_time(call)
            and (not self._clients or self._is_by(call))
            and (not wanted.exchanges or not set(wanted.exchanges).isdisjoint(self.legs(call.id)))
        )

    def _is_in_time(self, call: Exchange) -> bool:
        first = call.request or call.response
        if self._since is None and self._until is None:
            return True
        if first is None:
            return False
        at = first.started_at
        return (self._since is None or at >= self._since) and (
            self._until is None or at <= self._until
        )

    def _is_by(self, call: Exchange) -> bool:
        agent = (call.request.user_agent or "").lower() if call.request else ""
        process = self._processes.get(call.connection)
        names = [call.client.ip]
        if process is not None:
            names += [process.comm, *filter(None, (process.container, process.container_id))]
        return any(text in agent or text in map(str.lower, names) for text in self._clients)


def _has_status(call: Exchange, wanted: Sequence[str]) -> bool:
    status = status_of(call)
    return any(each in (status, status[:1] + _CLASS) for each in wanted)


def _counted_anew(clients: Iterable[Client], page: Page, kept: set[str]) -> Iterator[Client]:
    """The clients of the selected calls, with what these sent and got alone."""
    for client in clients:
        calls = [call for call in page.made_by(client) if call.id in kept]
        if not calls:
            continue
        auth: Counter[AuthHeader] = Counter()
        for call in calls:
            auth.update(list(dict.fromkeys(call.request.auth if call.request else ())))
        yield replace(
            client,
            requests=sum(call.request is not None for call in calls),
            statuses=dict(sorted(Counter(map(status_of, calls)).items())),
            auth_headers=tuple(
                ClientAuth(header.name, header.scheme, header.credential, count)
                for header, count in auth.items()
            ),
            numbers=tally(calls).numbers(),
        )
