"""The case: the facts of one capture, with the indexes that rules and hypotheses use.

It is built in one pass over each list; of a failed call its number is kept, and its facts are
unpacked when a rule asks for it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from inspector.chain.answerer import answered_by
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.connects import Connects
from inspector.diagnosis.contacts import Contacts
from inspector.diagnosis.index import Index
from inspector.diagnosis.lives import Lives
from inspector.diagnosis.not_read import NotRead
from inspector.diagnosis.outcome import CallOutcome, outcome_of
from inspector.diagnosis.survey import Survey
from inspector.diagnosis.tries import Storm
from inspector.exchanges.calls import is_look_at_proxy
from inspector.exchanges.neighbourhood import Neighbourhood
from inspector.model.addresses import split_target
from inspector.model.capture import Completeness
from inspector.model.conclusions import (
    RELIABLE,
    AnsweredBy,
    Chain,
    Disagreement,
    Testimony,
    Witnesses,
)
from inspector.model.http import Exchange
from inspector.model.ids import ExchangeId, connection_id, exchange_id, number_of, tunnel_id
from inspector.model.network import Connection, DirectTls, Tunnel
from inspector.model.topology import Topology
from inspector.witnesses.manifest import Manifest

#: A chain this sure, or less, says who answered and what for by a guess (`chain/verdict.py`).
GUESSED: Final = 0.5
#: So many nanoseconds without a byte are a wait, not the time that a process takes to die.
QUIET: Final = 1_000_000_000
#: What a TLS server and HTTP/2 send of themselves behind a handshake, in bytes of records: two
#: session tickets of OpenSSL's take 532, with SETTINGS or a close 578; the smallest answer seen
#: takes 668, beside two tickets 712 (measured on the golden captures and the field cases).
_OF_TLS: Final = 600


class Case:
    """The facts of one capture and the indexes over them that rules and hypotheses use.

    Without `chains` it takes the exchanges by `see`, from whoever walks through them for another
    purpose: each look at one unpacks it.  Then it knows from its beginning who is who, and all
    else after `close`.
    """

    #: What limits every statement, and what that leaves open.
    completeness: Completeness
    not_read: NotRead
    #: Where the logs beside the packets tell something else.
    disagreements: tuple[Disagreement, ...]
    #: The firewall's rules, where a file beside the packets has them.
    manifest: Manifest | None

    def __init__(
        self,
        *,
        exchanges: Sequence[Exchange],
        tunnels: Sequence[Tunnel],
        connections: Sequence[Connection],
        direct_tls: Sequence[DirectTls],
        topology: Topology,
        chains: Sequence[Chain] | None = None,
        completeness: Completeness | None = None,
        witnesses: Witnesses | None = None,
        manifest: Manifest | None = None,
        several_files: bool = False,
        clock_set_back: bool = False,
    ) -> None:
        self.exchanges = Index(exchanges)
        self.tunnels = Index(tunnels)
        self.connections = Index(connections)
        self.direct_tls = direct_tls
        self.topology = topology
        self.neighbourhood = Neighbourhood(topology)
        #: Packet numbers name their file.
        self.several_files = several_files
        #: Times on either side of a step do not tell what belongs together.
        self.clock_set_back = clock_set_back
        #: Connections that began with TLS and came to no handshake.
        self.handshakes_failed = frozenset(
            direct.connection for direct in direct_tls if direct.tls.handshake != "complete"
        )
        self.api_proxies = frozenset(topology.api_proxy)
        self.forward_proxies = frozenset(topology.forward_proxy)
        self.contacts = Contacts(self.connections, topology, self.neighbourhood)
        self.calls = 0
        self.succeeded = 0
        self.unknown: array[int] = array("q")
        #: Calls that went on in a protocol that is not read, or whose answer is in such a form.
        self.unread_calls = 0
        #: Failed calls that a later one made good: its number by theirs.
        self.recovered: dict[int, int] = {}
        self.failed: array[int] = array("q")
        #: What was asked of proxies by CONNECT.
        self.connects = Connects(self.tunnels, topology)
        #: Places of the chains whose call has more than one tunnel: tried again unasked.
        self.tried_again: array[int] = array("q")
        #: The same call failed again and again.
        self.storms: list[Storm] = []
        #: Who has the role of an agent, or made a call as one has.
        self.agents = set(topology.agent)
        #: Connections of agents to somebody who is no host of the bridge.
        self.outward: array[int] = array("q")
        #: Calls that failed and were asked with GET because a POST was sent there.
        self._made_get: frozenset[int] = frozenset()
        self._pairs: dict[int, tuple[int, ...]] = {}
        self._linked: dict[int, tuple[int, ...]] = {}
        #: Failed calls of which it is no more than a guess that they have no tunnel.
        self._unsure: set[int] = set()
        #: The leg at the API proxy of each call that came by way of another proxy before it.
        self._behind: dict[int, int] = {}
        #: Who answered each failed call that has a chain.
        self._answered: dict[int, AnsweredBy] = {}
        #: What was asked of the API for each failed call of which that was read, the last of it.
        self._inner: dict[int, int] = {}
        #: What Squid's log says of each tunnel, in its order.
        self.logged: dict[str, list[Testimony]] = {}
        self._chains: Sequence[Chain] = ()
        self.lives = Lives(topology.api_proxy)
        self._survey = Survey(self)
        #: Takes the next exchange.
        self.see = self._survey.see
        if chains is not None and completeness is not None:
            for exchange in self.exchanges:
                self.see(exchange)
            self.close(chains, completeness, witnesses, manifest)

    # -- once all exchanges were seen ----------------------------------------

    def close(
        self,
        chains: Sequence[Chain],
        completeness: Completeness,
        witnesses: Witnesses | None = None,
        manifest: Manifest | None = None,
    ) -> None:
        """All exchanges were seen, and their chains are made."""
        self._chains, self.completeness, self.manifest = chains, completeness, manifest
        self.not_read = NotRead(completeness, self.connections, self.api_proxies)
        self.disagreements = () if witnesses is None else witnesses.disagreements
        for line in () if witnesses is None else witnesses.joined:
            if line.tunnel is not None:
                self.logged.setdefault(line.tunnel, []).append(line)
        seen = self._survey
        self._behind = seen.behind
        self.agents |= seen.callers
        self.contacts.read(seen.read)
        self.storms = seen.tries.storms()
        self.unknown, self.unread_calls = seen.unknown, seen.unread_calls
        self.recovered, followed = seen.recoveries.made_good, seen.redirects.followed
        self.failed = array(
            "q", (n for n in seen.failed if n not in self.recovered and n not in followed)
        )
        self._made_get = frozenset(seen.redirects.made_get)
        self.outward = array("q", filter(self._is_an_agents, self.contacts.outward))
        halted, passed, stopped = seen.halted()
        self.calls, self.succeeded = seen.calls + halted, seen.succeeded + len(passed)
        if stopped or self._behind:
            self.failed = array("q", sorted([*self.failed, *stopped]))
        self.connects.survey(self._link())
        self.calls += len(self.connects.barred)
        self.lives.survey(self.connections, self.tunnels)

    def _is_an_agents(self, number: int) -> bool:
        connection = self.connections.get(connection_id(number))
        return connection is not None and connection.client.ip in self.agents

    def _link(self) -> set[int]:
        """Store the tunnels of failed calls, and return the tunnels of all other calls.

        A reliable chain gives a call its tunnels.  An unreliable chain still shows that its
        tunnels may belong to a call.
        """
        failed = {*self.failed, *self.recovered}
        busy: set[int] = set()
        fronts = {leg: front for front, leg in self._behind.items()}
        for place, chain in enumerate(self._chains):
            if chain.tunnel and chain.attempts:
                self.tried_again.append(place)
            used = (*chain.attempts, chain.tunnel) if chain.tunnel else chain.attempts
            call = number_of(chain.agent_exchange)
            call = fronts.get(call, call)
            if call not in failed:
                busy.update(map(number_of, used))
                continue
            self._answered[call] = chain.answered_by
            if chain.upstream_exchanges:
                self._inner[call] = number_of(chain.upstream_exchanges[-1])
            if not used and chain.confidence <= GUESSED:
                self._unsure.add(call)
            if used:
                self._linked[call] = tuple(map(number_of, used))
                if chain.confidence >= RELIABLE:
                    self._pairs[call] = self._linked[call]
        return busy

    # -- what is what --------------------------------------------------------

    def outcome(self, exchange: Exchange) -> CallOutcome:
        """What became of an exchange, its connection's acknowledgements considered."""
        outcome = outcome_of(exchange)
        if outcome == "unknown" and exchange.response is None and exchange.request is not None:
            connection = self.connections.get(exchange.connection)
            lost = None if connection is None else connection.unacknowledged
            if lost is not None and lost.direction == "up":
                return "undelivered"
        return outcome

    def is_call(self, exchange: Exchange) -> bool:
        """Whether an exchange is an agent's API call, at the API proxy."""
        if exchange.server.ip not in self.api_proxies or exchange.tunnel is not None:
            return False
        if exchange.client.ip in self.api_proxies or exchange.request is None:
            return False
        return not is_look_at_proxy(exchange)

    def is_first_leg(self, exchange: Exchange) -> bool:
        """Whether an exchange asks a forward proxy for the API proxy.

        In absolute form (RFC 9112 3.2.2), or as plain HTTP inside a CONNECT.
        """
        request = exchange.request
        if request is None or exchange.server.ip not in self.forward_proxies:
            return False
        if exchange.client.ip in self.api_proxies | self.forward_proxies:
            return False
        if exchange.tunnel is not None:
            tunnel = self.tunnels.get(exchange.tunnel)
            return tunnel is not None and self.connects.is_for_api_proxy(tunnel)
        return split_target(request.target).host in self.api_proxies

    def is_made_get(self, call: FailedCall) -> bool:
        """Whether a call is what a client made of a POST that was redirected."""
        return number_of(call.exchange.id) in self._made_get

    def chains_of_retries(self) -> Iterator[Chain]:
        """The chains of calls for which the API proxy opened more than one tunnel."""
        return map(self._chains.__getitem__, self.tried_again)

    def call(self, number: int) -> FailedCall:
        """Return a call with everything that is known about it."""
        exchange = self.exchanges.get(exchange_id(number))
        assert exchange is not None
        used = (self.tunnels.get(tunnel_id(name)) for name in self._pairs.get(number, ()))
        by, given_up = self._answerer(number, exchange)
        tunnels = tuple(tunnel for tunnel in used if tunnel is not None)
        asked = self._inner.get(number)
        connection = self.connections.get(exchange.connection)
        return FailedCall(
            exchange,
            self.outcome(exchange),
            by,
            tunnels,
            connection,
            given_up,
            self._refused(exchange, tunnels, connection),
            None if asked is None else self.exchanges.get(exchange_id(asked)),
        )

    def answerer(self, exchange: Exchange) -> AnsweredBy:
        """Who answered a call, or another exchange that has a response."""
        number = number_of(exchange.id)
        if exchange.response is None:
            return "nobody"
        return self._answered.get(number) or answered_by(exchange.response)

    def _answerer(self, number: int, exchange: Exchange) -> tuple[AnsweredBy, ExchangeId | None]:
        """Who answered a call, and the leg behind a proxy that did not wait for it any longer."""
        response = exchange.response
        if response is None:
            return "nobody", None
        leg = (
            self.exchanges.get(exchange_id(self._behind[number]))
            if number in self._behind
            else None
        )
        if leg is not None:
            if leg.response is None or leg.response.started_at > response.started_at:
                return "api-proxy", leg.id
            if leg.response.status != response.status:
                return "api-proxy", None
        return self.answerer(exchange), None

    def _refused(
        self, exchange: Exchange, own: Sequence[Tunnel], connection: Connection | None
    ) -> Tunnel | None:
        """Return the refused CONNECT that explains a call; None where there is none, or doubt."""
        if own:
            return next((tunnel for tunnel in reversed(own) if tunnel.refusal is not None), None)
        meanwhile = self.asked_meanwhile(exchange, connection)
        told = {
            None
            if (refusal := tunnel.refusal) is None
            # The errno may differ from one to the next; the reason does not.
            else (tunnel.authority, refusal.status, (refusal.error or "").partition(" ")[0])
            for tunnel in meanwhile
        }
        return meanwhile[-1] if len(told) == 1 and None not in told else None

    def asked_meanwhile(
        self, exchange: Exchange, connection: Connection | None
    ) -> tuple[Tunnel, ...]:
        """Return the CONNECTs of the API proxy while a call waited: its own is one of them.

        None where packets are missing, or there are too many to compare.
        """
        request, response = exchange.request, exchange.response
        if request is None or self.not_read.is_lossy or self.is_first_leg(exchange):
            return ()
        end = response.started_at if response is not None else None
        if end is None and connection is not None:
            end = connection.closed_at
        return self.connects.asked_between(exchange.server.ip, request.started_at, end)

    def knows_who_closed(self, call: FailedCall) -> bool:
        """Whether the order of closing on both legs of a call is certain."""
        if self.not_read.is_lossy or call.connection is None or call.connection.close_unseen:
            return False
        legs = (self.connections.get(tunnel.connection) for tunnel in call.tunnels)
        return not any(leg is not None and leg.close_unseen for leg in legs)

    def may_have_tunnel(self, call: FailedCall) -> bool:
        """Whether a tunnel may have been opened for a call, be it sure or not."""
        number = number_of(call.exchange.id)
        return number in self._linked or number in self._unsure or self.clock_set_back

    def came_back(self, call: FailedCall) -> Tunnel | None:
        """A tunnel that brought more than TLS sends of itself: perhaps the answer to a call.

        One that is joined with the call, surely if it has another answer.  None where all inside
        was read with keys.
        """
        request = call.exchange.request
        asked = 0 if request is None else request.started_at
        joined = self._linked if call.answered_by == "nobody" else self._pairs
        for name in joined.get(number_of(call.exchange.id), ()):
            tunnel = self.tunnels.get(tunnel_id(name))
            if tunnel is None or (tunnel.data_down or 0) <= _OF_TLS:
                continue
            told = tunnel.decryption
            is_read = told is not None and told.state == "decrypted"
            # What it brought before was for another call.
            if not is_read and (tunnel.last_down_at or 0) >= asked:
                return tunnel
        return None

    def failed_calls(self) -> Iterator[FailedCall]:
        """The calls that failed, in their order."""
        return map(self.call, self.failed)

    def recovered_calls(self) -> Iterator[FailedCall]:
        """The calls that failed and were made good, in their order."""
        return map(self.call, sorted(self.recovered))

    def foreign_connections(self) -> Iterator[Connection]:
        """The connections to API proxies on which no call was read, or none can be."""
        names = dict.fromkeys((*map(connection_id, self.contacts.foreign), *self.connects.misled))
        return filter(None, map(self.connections.get, names))
