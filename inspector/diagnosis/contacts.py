"""Who connected to whom: the proxies' ports, what proxies opened, and what left the bridge.

One pass over the connections, before anything is known of calls.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterator

from inspector.diagnosis.index import Index, Service, opened_moment
from inspector.exchanges.neighbourhood import Neighbourhood
from inspector.model.http import Exchange
from inspector.model.ids import number_of
from inspector.model.network import Connection
from inspector.model.topology import Topology
from inspector.wire import Moment, precedes


class Contacts:
    """The connections of one capture, by who opened them and who took them."""

    def __init__(
        self, connections: Index[Connection], topology: Topology, neighbourhood: Neighbourhood
    ) -> None:
        self._api_proxies = frozenset(topology.api_proxy)
        self._forward_proxies = frozenset(topology.forward_proxy)
        self._neighbourhood = neighbourhood
        #: The ports of proxies: which connections they took, and which they did not.
        self.services: dict[tuple[str, int], Service] = {}
        #: API proxies that opened connections, so that the capture holds that hop.
        self.openers: set[str] = set()
        #: Connections to an API proxy that began with TLS, HTTP/2 or nothing known: no call on
        #: them was read.
        self.foreign: array[int] = array("q")
        #: Connections of the API proxy, or of others than proxies, to somebody who is no host of
        #: the bridge.
        self.proxy_outward: array[int] = array("q")
        self.outward: array[int] = array("q")
        #: When an API proxy was last seen to open or take a connection.
        self._alive_at: dict[str, Moment] = {}
        for connection in connections:
            self._add(connection)

    def service(self, exchange: Exchange) -> Service:
        """What is known of the port that a call went to."""
        return self.services.get((exchange.server.ip, exchange.server.port)) or Service()

    def forward_services(self) -> Iterator[Service]:
        """The ports of forward proxies."""
        for (address, _), service in self.services.items():
            if address in self._forward_proxies:
                yield service

    @property
    def attempts(self) -> int:
        """How many connections to API proxies were tried in vain."""
        return sum(
            len(service.failed)
            for (address, _), service in self.services.items()
            if address in self._api_proxies
        )

    def lives_after(self, address: str, moment: Moment) -> bool:
        """Whether an API proxy showed a sign of life after `moment`."""
        latest = self._alive_at.get(address)
        return latest is not None and precedes(moment, latest)

    def _add(self, connection: Connection) -> None:
        server, client = connection.server, connection.client
        by_proxy = client.ip in self._api_proxies
        if client.ip not in self._forward_proxies and not self._neighbourhood.holds(server.ip):
            outward = self.proxy_outward if by_proxy else self.outward
            outward.append(number_of(connection.id))
        if by_proxy:
            self._lives(client.ip, connection)
            self.openers.add(client.ip)
        if server.ip not in self._api_proxies and server.ip not in self._forward_proxies:
            return
        if self._is_foreign(connection):
            self.foreign.append(number_of(connection.id))
        service = self.services.setdefault((server.ip, server.port), Service())
        if connection.outcome in ("established", "midstream"):
            service.accepted.add(connection)
            self._lives(server.ip, connection)
        elif connection.outcome == "unanswered" and not connection.retransmissions:
            return  # its answer may be just behind the capture's end, or lost
        elif not by_proxy or server.ip in self._forward_proxies:
            service.failed.add(connection)
            service.silent += connection.outcome == "unanswered"
            service.unreached += connection.outcome == "unreachable"

    def read(self, connections: Container[int]) -> None:
        """Calls were read on these connections, in whatever protocol."""
        self.foreign = array("q", (each for each in self.foreign if each not in connections))

    def _is_foreign(self, connection: Connection) -> bool:
        """Whether an API proxy was spoken to in what is no HTTP/1."""
        if connection.server.ip not in self._api_proxies:
            return False
        if connection.client.ip in self._api_proxies:
            return False
        return bool(connection.bytes_up) and connection.protocol in ("tls", "h2", "unknown")

    def _lives(self, address: str, connection: Connection) -> None:
        opened = opened_moment(connection)
        known = self._alive_at.get(address)
        if known is None or precedes(known, opened):
            self._alive_at[address] = opened
