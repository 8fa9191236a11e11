"""What the blocks of a page share: a report, grouped, and the short names of its places."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from inspector.diagnosis.outcome import CallOutcome, outcome_of
from inspector.exchanges.calls import relayed_to
from inspector.model.conclusions import AnsweredBy, Chain
from inspector.model.http import Exchange
from inspector.model.ids import ExchangeId
from inspector.model.report import Report
from inspector.model.topology import Role
from inspector.report.page import grouping, words
from inspector.report.page.escape import visible
from inspector.report.roles import KnownRoles, named_helpers, named_roles
from inspector.report.waiting import WaitingCalls

#: Captures of one run, and the files of a ring, follow each other within this (ns).
_APART: Final = 10_000_000_000
#: Names of captures that a page lists.
_NAMED: Final = 5


class View:
    """A report as a page looks at it.  All texts it gives are escaped.

    `prefix` is the part of an address that the bridge's hosts share, `page`
    the report's rows, `carried` the chains by the tunnel that carried them and
    `retried` those by the tunnels that were tried before.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.page = grouping.page(report)
        self.several_files = len(report.captures) > 1
        self.prefix = shared_prefix(report.topology.networks)
        self.carried: dict[str, list[Chain]] = {}
        self.retried: dict[str, Chain] = {}
        for chain in report.chains:
            if chain.tunnel is not None:
                self.carried.setdefault(chain.tunnel, []).append(chain)
            for tunnel in chain.attempts:
                self.retried[tunnel] = chain
        self._roles = KnownRoles(report.topology)
        self._helpers = {ip: what for what, ips in named_helpers(report.topology) for ip in ips}
        legs = self.page.next_legs
        self._first_leg = {leg.id: leg.relays for leg in legs if leg.relays is not None}
        self._relayed = relayed_to(legs, report.topology)
        self._outcomes: dict[ExchangeId, CallOutcome] = {}

    @property
    def copied(self) -> str | None:
        """What is blank in redacted copies, if any of the captures is one."""
        captures = self.report.captures
        told = [capture.redacted for capture in captures if capture.redacted is not None]
        return words.copied(told, len(captures))

    @property
    def merged(self) -> str | None:
        """Which captures were read as one run, if there are several."""
        names = [words.file_name(capture.name, 60) for capture in self.report.captures]
        if len(names) < 2:
            return None
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        return f"Read as one run, merged by time: {', '.join(names[:_NAMED])}{more}"

    @property
    def apart(self) -> str | None:
        """That captures lie far apart in time, so that they may be of runs that share nothing."""
        spans = sorted(
            (capture.started_at, capture.ended_at)
            for capture in self.report.captures
            if capture.started_at is not None and capture.ended_at is not None
        )
        longest, end = 0, None
        for started, ended in spans:
            if end is not None:
                longest = max(longest, started - end)
            end = ended if end is None else max(end, ended)
        return words.apart(longest) if longest > _APART else None

    @property
    def about_logs(self) -> tuple[str, ...]:
        """What is wrong with logs that were given: whoever gave them believes that they agree."""
        told = self.report.witnesses
        return () if told is None else tuple(visible(n).removesuffix(".") for n in told.notes)

    def at_api_proxy(self, call: Exchange) -> bool:
        """Whether a call came to the API proxy, be it by way of the forward proxy."""
        return self.role(call.server.ip) == "api-proxy" or call.id in self._relayed

    def outcome(self, exchange: Exchange) -> CallOutcome:
        """What became of an exchange, which several blocks of a page ask."""
        outcome = self._outcomes.get(exchange.id)
        if outcome is None:
            outcome = self._outcomes[exchange.id] = outcome_of(exchange)
        return outcome

    def call(self, exchange: ExchangeId) -> ExchangeId:
        """The id of the agent's own leg of a call, given that of any leg."""
        return self._first_leg.get(exchange, exchange)

    @cached_property
    def answered(self) -> Mapping[str, tuple[AnsweredBy, ...]]:
        """Who answered, by the id of the agent's own leg of a call."""
        found: dict[str, tuple[AnsweredBy, ...]] = {}
        for chain in self.report.chains:
            call = self.call(chain.agent_exchange)
            found[call] = (*found.get(call, ()), chain.answered_by)
        return found

    @cached_property
    def waiting(self) -> WaitingCalls:
        """The calls of which it is not known reliably which tunnel was theirs."""
        return WaitingCalls(self.report)

    def host(self, ip: str) -> str:
        """`.30 api-proxy`"""
        return f"{words.address(ip, self.prefix)} {self._helpers.get(ip) or self.role(ip)}"

    def role(self, ip: str) -> Role:
        """Who an address is."""
        return self._roles.of(ip)

    def roles(self) -> tuple[tuple[Role, tuple[str, ...]], ...]:
        """The addresses of each role, a forward proxy's with its port."""
        return named_roles(self.report.topology)

    def packets(self, references: Iterable[int]) -> str:
        """Packet numbers as the report writes them."""
        return words.packets(references, several_files=self.several_files)

    def length(self) -> int | None:
        """Nanoseconds from the first packet to the last; None when no packet has a time."""
        captures = self.report.captures
        starts = [c.started_at for c in captures if c.started_at is not None]
        ends = [c.ended_at for c in captures if c.ended_at is not None]
        return max(ends) - min(starts) if starts and ends else None

    def known_roles(self) -> str:
        """Who is who, and how that is known, in one line."""
        topology = self.report.topology
        named = (*self.roles(), *named_helpers(topology))
        known = ", ".join(f"{role} {visible(words.some(ips))}" for role, ips in named if ips)
        scope: str = topology.scope
        if scope == "subnet" and topology.networks:
            scope += f" {visible(' and '.join(topology.networks))}"
        return f"roles from {visible(topology.source)}: {known or 'none known'}; scope {scope}"


def shared_prefix(subnets: Sequence[str]) -> str | None:
    """`172.30.0.` for one /24; None where the last octet alone would not tell hosts apart."""
    if len(subnets) != 1:
        return None
    try:
        network = ipaddress.ip_network(subnets[0], strict=False)
    except ValueError:
        return None
    if network.version != 4 or network.prefixlen < 24:
        return None
    return str(network.network_address).rpartition(".")[0] + "."
