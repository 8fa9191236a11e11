"""One expectation held against one report: what it is about, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

from inspector.errors import plain_parts
from inspector.exchanges.topology import provider_of
from inspector.fact import Fact
from inspector.model.conclusions import Severity
from inspector.model.http import Exchange, Request
from inspector.model.network import Connection, Tunnel
from inspector.model.providers import BY_PATH, UNKNOWN
from inspector.model.report import Report
from inspector.policy.model import Expect
from inspector.policy.patterns import is_like
from inspector.policy.unread import Concerns, Unheard
from inspector.policy.ways_out import WayOut, openers, ways_out
from inspector.report.page.view import View


class Remark(Fact):
    """One expectation that is broken or not proven; `where` names ids of the report.

    `name` is the expectation's, empty where it has none or nobody wrote it.
    """

    provider: str
    expected: str
    found: str
    where: tuple[str, ...] = ()
    name: str = ""
    level: Severity = "error"


class Subject:
    """A report as expectations look at it."""

    def __init__(self, report: Report) -> None:
        self.report: Final = report
        self.view: Final = View(report)
        self.added: Final = report.topology.added
        self.unread: Final = Unheard(self.view)
        self.whole: Final = self.unread.whole
        self.lacking: Final = self.unread.lacking
        self.ways: Final = tuple(ways_out(self.view))
        #: Who opens ways out and tunnels, by address.
        self.openers: Final = openers(self.view)

    @cached_property
    def connections(self) -> dict[str, Connection]:
        """The connections by their id; made only where a process is asked for."""
        return {connection.id: connection for connection in self.report.connections}


class Hearing:
    """An expectation, the calls and ways out that it is about, and what breaks it.

    `broken` and `doubts` grow as checks look.  What cannot be told to be of the expectation's
    process or container is in neither list, and is a doubt.
    """

    def __init__(self, subject: Subject, expect: Expect) -> None:
        self.expect: Final = expect
        self.subject: Final = subject
        self.broken: list[Remark] = []
        self.doubts: list[Remark] = []
        self._unknown: list[str] = []
        #: All that agents asked, looks at the API proxy's own health among them.
        self.asked: Final = [one for one in subject.view.page.asked if self._is_about(one)]
        calls = {call.id for call in subject.view.page.calls}
        self.calls: Final = [one for one in self.asked if one.id in calls]
        self.ways: Final = [way for way in subject.ways if self._is_about_way(way)]
        if self._unknown:
            self.doubt(
                f"the calls of {expect.process or expect.container}",
                "nobody saw whose they are; a live capture by BPF does",
                self._unknown,
            )

    # -- what it is about --------------------------------------------------------

    def _is_about(self, call: Exchange) -> bool:
        expect = self.expect
        if expect.provider not in ("any", call.provider):
            return False
        if expect.client is not None and call.request is not None:
            agent = call.request.user_agent
            if agent is None or not is_like(agent, (expect.client,)):
                return False
        return self._is_held_by(call.connection, call.id)

    def _is_about_way(self, way: WayOut) -> bool:
        expect = self.expect
        if expect.opened_by not in (None, way.opened_by):
            return False
        return self._is_held_by(way.connection, way.id)

    def _is_held_by(self, connection: str, id: str) -> bool:
        """Whether the process that is asked for holds the client's end of a connection."""
        expect = self.expect
        if expect.process is None and expect.container is None:
            return True
        found = self.subject.connections.get(connection)
        process = None if found is None else found.client_process
        if process is None:
            self._unknown.append(id)
            return False
        if expect.process is not None:
            names = {process.comm}
            if process.exe is not None:
                names.update((process.exe, PurePosixPath(process.exe).name))
            if not any(is_like(name, (expect.process,)) for name in names):
                return False
        if expect.container is None:
            return True
        if process.container is None:
            if process.container_id is not None:  # it is in one, whose name nobody could tell
                self._unknown.append(id)
            return False
        return is_like(process.container, (expect.container,))

    def is_of_provider(self, way: WayOut) -> bool:
        """Whether a way out leads to the expectation's provider."""
        provider = self.expect.provider
        return provider == "any" or provider in way.providers(self.subject.added)

    def tunnels(self) -> Iterator[Tunnel]:
        """All tunnels; of one provider those that chains join with its calls."""
        view, expect = self.subject.view, self.expect
        ids = {call.id for call in self.calls}
        for tunnel in self.subject.report.tunnels:
            retried = view.retried.get(tunnel.id)
            chains = view.carried.get(tunnel.id) or ([] if retried is None else [retried])
            joined = any(view.call(chain.agent_exchange) in ids for chain in chains)
            if expect.provider != "any" and not joined:
                continue
            if expect.opened_by in (None, self.subject.openers.get(tunnel.client.ip)):
                yield tunnel

    def agents_connects(self) -> Iterator[Tunnel]:
        """The CONNECTs that agents sent, opened or not, for the expectation's provider."""
        view = self.subject.view
        for tunnel in self.subject.report.tunnels:
            if view.role(tunnel.client.ip) in ("api-proxy", "forward-proxy"):
                continue
            if self.expect.provider in ("any", provider_of(tunnel.host, self.subject.added)):
                yield tunnel

    def requests(self) -> Iterator[tuple[Exchange, Request]]:
        """The requests that were seen, whatever they asked for: each may carry a credential."""
        for exchange in self.asked:
            if exchange.request is not None:
                yield exchange, exchange.request

    # -- what is said of it ------------------------------------------------------

    def breach(self, expected: str, found: str, where: Iterable[str]) -> None:
        """Something breaks it: `found`, in these places; nothing where there is no place."""
        places = tuple(where)
        if places:
            self.broken.append(self._remark(expected, found, places))

    def breach_anywhere(self, expected: str, found: str) -> None:
        """Something breaks it that has no place: what should be there is not."""
        self.broken.append(self._remark(expected, found, ()))

    def doubt(self, expected: str, because: str, where: Iterable[str] = ()) -> None:
        """The capture cannot prove it."""
        self.doubts.append(self._remark(expected, because, tuple(where)))

    def _remark(self, expected: str, found: str, where: tuple[str, ...]) -> Remark:
        expect = self.expect
        name = plain_parts(expect.name)
        return Remark(expect.provider, expected, found, where, name, expect.level)

    def needs(self, concerns: Concerns, expected: str) -> None:
        """Raise a doubt where a connection that it concerns was not read whole."""
        doubt = self.subject.unread.of(concerns)
        if doubt is not None:
            self.doubt(expected, doubt.because, doubt.where)

    def needs_calls(self, expected: str, unseen: Iterable[str] = (), why: str = "") -> None:
        """Raise a doubt where calls were not seen, or may be where nothing was read."""
        places = tuple(unseen)
        if places:
            self.doubt(expected, why, places)
        else:
            self.needs(self._may_hold_calls, expected)

    def needs_all(self, expected: str) -> None:
        """Raise a doubt where anything is missing in the capture."""
        if not self.subject.whole:
            self.doubt(expected, self.subject.lacking)

    def _may_hold_calls(self, connection: Connection) -> bool:
        view, expect = self.subject.view, self.expect
        if view.role(connection.client.ip) in ("api-proxy", "forward-proxy"):
            return False
        if expect.provider == "any" or view.role(connection.server.ip) != "api-proxy":
            return True
        port = str(connection.server.port)
        known = self.subject.report.topology.providers.get(port, "unknown")
        return known in (expect.provider, UNKNOWN, BY_PATH)

    def is_to_squid(self, connection: Connection) -> bool:
        """Whether a connection carries a CONNECT, if anything."""
        return self.subject.view.role(connection.server.ip) == "forward-proxy"
