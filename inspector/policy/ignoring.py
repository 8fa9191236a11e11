"""What a policy passes over for a time: findings and broken expectations, all or some of them.

An ignore that is narrowed to a provider, a client or a host passes over a finding only where
every occurrence is shown to be of these: a report lists the first few, and what it does not
list may be anybody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property

from inspector.errors import plain_parts
from inspector.exchanges.neighbourhood import asked_host, tunnel_hosts
from inspector.model.conclusions import Finding
from inspector.model.http import Exchange
from inspector.model.network import DirectTls, Tunnel
from inspector.policy.hearing import Remark, Subject
from inspector.policy.model import Ignore
from inspector.policy.patterns import is_host, is_like


class Ignoring:
    """The ignores of a policy on a day; `used` those that passed over something."""

    def __init__(self, subject: Subject, ignores: Iterable[Ignore], today: date) -> None:
        told = tuple(ignores)
        self._subject = subject
        self.expired = tuple(i for i in told if i.expires is not None and i.expires < today)
        self._holding = tuple(
            i for i in told if i not in self.expired and (i.start is None or i.start <= today)
        )
        self._used: dict[int, Ignore] = {}

    @property
    def used(self) -> tuple[Ignore, ...]:
        return tuple(i for i in self._holding if id(i) in self._used)

    def finding(self, finding: Finding) -> bool:
        """Whether a finding is passed over."""
        places = [
            id
            for one in finding.evidence
            for id in (one.exchange or one.tunnel or one.connection,)
            if id is not None
        ]
        all_shown = finding.count <= len(places)
        return any(
            self._passes(ignore, finding.count, places, all_shown=all_shown)
            for ignore in self._holding
            if ignore.code == finding.code
        )

    def remark(self, remark: Remark) -> bool:
        """Whether a broken expectation is passed over."""
        return any(
            self._passes(ignore, max(len(remark.where), 1), remark.where, all_shown=True)
            for ignore in self._holding
            if remark.name and plain_parts(ignore.expectation or "") == remark.name
        )

    def _passes(
        self, ignore: Ignore, count: int, places: Iterable[str], *, all_shown: bool
    ) -> bool:
        if ignore.count is not None and count > ignore.count:
            return False
        if ignore.narrows:
            found = list(places)
            if not all_shown or not found or not all(self._is_of(ignore, id) for id in found):
                return False
        self._used[id(ignore)] = ignore
        return True

    def _is_of(self, ignore: Ignore, place: str) -> bool:
        """Whether something in the report is of an ignore's provider, client and host."""
        what = self._things.get(place)
        if what is None:
            return False
        if ignore.provider is not None and self._provider(what) != ignore.provider:
            return False
        if ignore.client is not None:
            request = what.request if isinstance(what, Exchange) else None
            agent = request.user_agent if request is not None else None
            if agent is None or not is_like(agent, (ignore.client,)):
                return False
        if ignore.host is None:
            return True
        return any(is_host(host, port, (ignore.host,)) for host, port in _leads_to(what))

    def _provider(self, what: Exchange | Tunnel | DirectTls) -> str:
        if isinstance(what, Exchange):
            return what.provider
        ways = (way for way in self._subject.ways if way.id == what.id)
        named = {name for way in ways for name in way.providers(self._subject.added)}
        return named.pop() if len(named) == 1 else ""

    @cached_property
    def _things(self) -> dict[str, Exchange | Tunnel | DirectTls]:
        report = self._subject.report
        found: dict[str, Exchange | Tunnel | DirectTls] = {}
        for things in (report.exchanges, report.tunnels, report.direct_tls):
            found.update((thing.id, thing) for thing in things)
        return found


def _leads_to(what: Exchange | Tunnel | DirectTls) -> Iterator[tuple[str, int | None]]:
    match what:
        case Tunnel():
            for host in tunnel_hosts(what):
                yield host, what.port
        case DirectTls():
            yield what.server.ip, what.server.port
            if what.tls.sni is not None:
                yield what.tls.sni, what.server.port
        case Exchange():
            host = asked_host(what)
            yield (host, None) if host else (what.server.ip, what.server.port)
