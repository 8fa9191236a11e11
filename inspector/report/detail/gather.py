"""`Details`: a report that is asked for one thing after another.

Everything is taken from the report, which holds nothing that was not granted; no capture is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain as joined
from typing import Any, Final, Generic, Protocol, TypeVar

from inspector.errors import ExitCode, InspectorError, plain
from inspector.exchanges.timing import timing_of
from inspector.model.conclusions import SEVERITIES, Chain, Evidence
from inspector.model.http import Exchange
from inspector.model.ids import ExchangeId
from inspector.model.network import Connection, DirectTls, Tunnel
from inspector.model.report import Report
from inspector.report.detail.facts import Detail, Leg, NamedFinding
from inspector.report.detail.ladder import Ladder
from inspector.report.detail.ranges import Ranges, display_filter

#: The letter of an id -> what has it.
NOUNS: Final[Mapping[str, str]] = {
    "e": "exchange",
    "t": "tunnel",
    "c": "connection",
    "d": "direct TLS connection",
    "h": "chain",
}


class UnknownId(InspectorError):
    """Nothing in the report has this id."""

    exit_code = ExitCode.USAGE


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_HasId)


class _Index(Generic[T]):
    """Records by their ids.  It keeps their places alone: records may be packed (`packed.py`)."""

    def __init__(self, records: Sequence[T], ids: Iterable[str] | None = None) -> None:
        self._records = records
        ids = (record.id for record in records) if ids is None else ids
        self._places = {each: place for place, each in enumerate(ids)}

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._places

    def __getitem__(self, identifier: str) -> T:
        return self._records[self._places[identifier]]

    def get(self, identifier: str) -> T | None:
        """The one with this id; None if there is none."""
        place = self._places.get(identifier)
        return None if place is None else self._records[place]

    def some(self, identifiers: Iterable[str | None]) -> Iterator[T]:
        """Those of them that there are, each once, in that order."""
        for each in dict.fromkeys(identifiers):
            if each is not None and (found := self.get(each)) is not None:
                yield found

    @property
    def ids(self) -> list[str]:
        return list(self._places)


class Details:
    """A report, indexed once, so that each question costs what its answer holds."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._next_legs: defaultdict[str, list[str]] = defaultdict(list)
        self._on: defaultdict[str, list[str]] = defaultdict(list)
        #: The ids of all exchanges, in their order.
        self.exchanges: list[ExchangeId] = []
        for exchange in report.exchanges:  # one look at each: they are packed
            self.exchanges.append(exchange.id)
            self._on[exchange.connection].append(exchange.id)
            if exchange.relays is not None:
                self._next_legs[exchange.relays].append(exchange.id)
        carried = {connection: len(ids) for connection, ids in self._on.items()}
        #: The id of an exchange or a tunnel -> the chains that name it.
        self._joined: defaultdict[str, list[str]] = defaultdict(list)
        chains = []
        for each in report.chains:
            chains.append(each.id)
            named = (each.agent_exchange, each.tunnel, *each.attempts, *each.upstream_exchanges)
            for identifier in dict.fromkeys(filter(None, named)):
                self._joined[identifier].append(each.id)
        self._exchanges = _Index[Exchange](report.exchanges, self.exchanges)
        self._tunnels = _Index[Tunnel](report.tunnels)
        self._connections = _Index[Connection](report.connections)
        self._direct = _Index[DirectTls](report.direct_tls)
        self._chains = _Index[Chain](report.chains, chains)
        self._kinds: dict[str, _Index[Any]] = {
            "e": self._exchanges,
            "t": self._tunnels,
            "c": self._connections,
            "d": self._direct,
            "h": self._chains,
        }
        self._makers: dict[str, Callable[[str], Detail]] = {
            "e": self._of_exchange,
            "t": self._of_tunnel,
            "c": self._of_connection,
            "d": self._of_direct,
            "h": self._of_chain,
        }
        self._ladder = Ladder(report)
        self._ranges = Ranges(report.connections, carried)
        for tunnel in report.tunnels:
            self._on[tunnel.connection].append(tunnel.id)
        for direct in report.direct_tls:
            self._on[direct.connection].append(direct.id)

    def of(self, identifier: str) -> Detail:
        """All there is of what has this id: `e1`, `t1`, `c3`, `d1` or `h1`.

        Raises `UnknownId` with the ids that there are.
        """
        kind = self._kinds.get(identifier[:1])
        made = self._makers.get(identifier[:1])
        if kind is None or made is None or identifier not in kind:
            raise self._unknown(identifier)
        return made(identifier)

    # -- one of each kind ----------------------------------------------------------

    def _of_exchange(self, identifier: str) -> Detail:
        return self._of_call(identifier, self._exchanges[identifier])

    def _of_call(self, identifier: str, exchange: Exchange) -> Detail:
        legs = self._call(exchange)
        chains = self._chains_of(legs)
        legs += [e for c in chains for e in self._exchanges.some(c.upstream_exchanges)]
        named = [t for c in chains for t in (*c.attempts, c.tunnel)]
        tunnels = self._tunnels.some((*named, *(leg.tunnel for leg in legs)))
        return self._detail(identifier, legs, chains, list(tunnels))

    def _of_chain(self, identifier: str) -> Detail:
        of = self._chains[identifier].agent_exchange
        if of in self._exchanges:
            return self._of_call(identifier, self._exchanges[of])
        return self._detail(identifier, [], [self._chains[identifier]], [])

    def _of_tunnel(self, identifier: str) -> Detail:
        tunnel = self._tunnels[identifier]
        chains = list(self._chains.some(self._joined[identifier]))
        calls = self._exchanges.some(chain.agent_exchange for chain in chains)
        legs = [leg for call in calls for leg in self._call(call)]
        legs += self._exchanges.some(tunnel.exchanges)
        return self._detail(identifier, legs, chains, [tunnel])

    def _of_connection(self, identifier: str) -> Detail:
        on = self._on[identifier]
        legs = list(self._exchanges.some(on))
        return self._detail(
            identifier,
            legs,
            self._chains_of(legs),
            list(self._tunnels.some(on)),
            list(self._direct.some(on)),
            [self._connections[identifier]],
        )

    def _of_direct(self, identifier: str) -> Detail:
        direct = self._direct[identifier]
        legs = list(self._exchanges.some(self._on[direct.connection]))
        return self._detail(identifier, legs, [], [], [direct])

    # -- what belongs together -----------------------------------------------------

    def _call(self, exchange: Exchange) -> list[Exchange]:
        """All legs of a call on the bridge, given any of them or what it asked upstream."""
        for chain in self._chains.some(self._joined[exchange.id]):
            if exchange.id in chain.upstream_exchanges and chain.agent_exchange in self._exchanges:
                exchange = self._exchanges[chain.agent_exchange]
        seen = {exchange.id}
        while exchange.relays is not None and exchange.relays in self._exchanges:
            exchange = self._exchanges[exchange.relays]
            if exchange.id in seen:
                break
            seen.add(exchange.id)
        legs = {exchange.id: exchange}
        ahead: list[ExchangeId] = [exchange.id]
        for identifier in ahead:
            for leg in self._exchanges.some(self._next_legs.get(identifier, ())):
                if leg.id not in legs:
                    legs[leg.id] = leg
                    ahead.append(leg.id)
        return list(legs.values())

    def _chains_of(self, legs: Iterable[Exchange]) -> list[Chain]:
        return list(self._chains.some(joined.from_iterable(self._joined[leg.id] for leg in legs)))

    def _detail(
        self,
        identifier: str,
        exchanges: Sequence[Exchange],
        chains: Sequence[Chain],
        tunnels: Sequence[Tunnel],
        direct: Sequence[DirectTls] = (),
        connections: Sequence[Connection] = (),
    ) -> Detail:
        legs = tuple(
            Leg(each, self._connections.get(each.connection), timing_of(each))
            for each in {each.id: each for each in exchanges}.values()
        )
        found = self._connections.some((
            *(each.id for each in connections),
            *(leg.exchange.connection for leg in legs),
            *(tunnel.connection for tunnel in tunnels),
            *(tunnel.egress.connection for tunnel in tunnels if tunnel.egress is not None),
            *(each.connection for each in direct),
        ))  # fmt: skip
        wires = tuple(sorted(found, key=lambda each: (each.opened_at, each.packet)))
        shown = [leg.exchange for leg in legs]
        ranges = self._ranges.of(wires, shown)
        ids = {identifier, *(each.id for each in shown), *(each.id for each in tunnels)}
        return Detail(
            id=identifier,
            legs=legs,
            chains=tuple(chains),
            tunnels=tuple(tunnels),
            direct_tls=tuple(direct),
            connections=wires,
            steps=self._ladder.steps(shown, tunnels, wires),
            findings=tuple(self._findings(ids)),
            packet_ranges=ranges,
            display_filter=display_filter(ranges),
            captures=tuple(capture.name for capture in self.report.captures),
        )

    def _findings(self, ids: set[str]) -> Iterator[NamedFinding]:
        return (finding for finding, named in self._found if not named.isdisjoint(ids))

    @cached_property
    def _found(self) -> list[tuple[NamedFinding, set[str]]]:
        """The findings, the worst first, each with the ids that its evidence names."""
        cause = self.report.root_cause
        found = []
        for finding in sorted(self.report.findings, key=lambda f: SEVERITIES.index(f.severity)):
            is_cause = cause is not None and cause.code == finding.code
            evidence = (*finding.evidence, *(cause.evidence if cause and is_cause else ()))
            shown = NamedFinding(finding.code, finding.severity, finding.title, is_cause)
            found.append((shown, set().union(*map(_names, evidence))))
        return found

    def _unknown(self, identifier: str) -> UnknownId:
        there = [
            _listed(NOUNS[letter], kind.ids) for letter, kind in self._kinds.items() if kind.ids
        ]
        return UnknownId(
            f"Nothing in this report is called {plain(identifier)}: it has "
            f"{', '.join(there) or 'neither exchanges nor connections'}",
            "Name one of these; inspector analyze -v says what each of them is",
        )


def _names(evidence: Evidence) -> set[str]:
    return {each for each in (evidence.exchange, evidence.tunnel, evidence.connection) if each}


def _listed(noun: str, ids: Sequence[str]) -> str:
    """`exchange e1`, `exchanges e1 to e12`."""
    return f"{noun} {ids[0]}" if len(ids) == 1 else f"{noun}s {ids[0]} to {ids[-1]}"
