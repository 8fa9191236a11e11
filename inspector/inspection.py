"""From packets to a report: the one place where the rooms are put together.

`Inspector` takes batches of packets from wherever they come, a file or a live
ring, so that the same bytes give the same report.  `capture_files` feeds it from files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NoReturn

from inspector.build import this_build
from inspector.chain.content import with_insides
from inspector.chain.join import join
from inspector.credentials.reader import CredentialReader
from inspector.decryption.keystore import Keystore
from inspector.diagnosis import Case, OneWalk, diagnose
from inspector.exchanges.assemble import RememberedRoles, assemble, exchange_fact, tunnel_fact
from inspector.exchanges.cleaning import without_free_text
from inspector.exchanges.completeness import completeness
from inspector.exchanges.conversation import Conversation
from inspector.exchanges.ledger import ExchangeRecord, Ledger, TunnelRecord
from inspector.exchanges.listener import Audience
from inspector.exchanges.processes import Processes, SocketOwner
from inspector.exchanges.scope import LeftOut
from inspector.exchanges.services import service_of
from inspector.exchanges.topology import SubnetTest, recognise
from inspector.fact import replace
from inspector.flows.addresses import endpoint
from inspector.flows.contract import ConnectionView, Place
from inspector.flows.engine import PacketEngine
from inspector.flows.native import NativeEngine
from inspector.model.http import Exchange
from inspector.model.ids import ExchangeId
from inspector.model.network import Endpoint, Tunnel
from inspector.model.provenance import this_tool
from inspector.model.report import Report
from inspector.native.library import loaded
from inspector.oddities import CLOCK_SET_BACK
from inspector.options import Options as Options
from inspector.options import Scope
from inspector.packed import Amended, Overheard
from inspector.pipeline import Pipeline
from inspector.provenance import provenance
from inspector.secrets.vault import Vault
from inspector.sources import Sources as Sources
from inspector.sources import in_words, weigh, with_copies, with_logs
from inspector.wire import FILE_SHIFT, Batch

OnExchange = Callable[[Exchange], None]
OnTunnel = Callable[[Tunnel], None]
#: A connection's client, server, and the reference of its first packet.
OnConnection = Callable[[Endpoint, Endpoint, int], None]

FINGERPRINT_KEY_BYTES: Final = 32


class Inspector:
    """Takes packets, gives a `Report`.

    `feed` batches in order, then `finish` once.  Exchanges and tunnels are
    told to `on_exchange` and `on_tunnel` as they end, but not before the scope
    is known; what is only known later (that a leg relays another) is in the
    report alone.  `audience` hears what is read in each connection in scope, and where;
    with `flush`, `end` and `place` this is then its `redaction.redactor.PacketReader`.
    `vault` is shared with whoever writes a redacted copy of the same packets.  `keys` open
    TLS; they may be added to while packets come.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        on_exchange: OnExchange | None = None,
        on_tunnel: OnTunnel | None = None,
        on_connection: OnConnection | None = None,
        audience: Audience | None = None,
        vault: Vault | None = None,
        keys: Keystore | None = None,
    ) -> None:
        options = options or Options()
        key = options.fingerprint_key or os.urandom(FINGERPRINT_KEY_BYTES)
        self._options, self._key = options, key
        self._roles = options.roles()
        self._in_subnet = SubnetTest(self._roles.networks)
        self._scope: Scope | None = options.scope
        self._left_out = LeftOut(self._roles)
        headers = (*options.auth_headers, *self._roles.auth_headers)
        prefixes = [pair for row in self._roles.added for pair in row.key_prefixes]
        credentials = CredentialReader(
            key,
            headers,
            prefixes,
            kept_headers=options.kept_headers,
            paths=[path for row in self._roles.added for path in row.path_prefixes],
            vault=vault,
        )
        self._ledger = Ledger(credentials, keys)
        core = loaded().core
        self._engine = PacketEngine() if core is None else NativeEngine(core)
        self._core = "pure" if core is None else "native"
        self._pipeline = Pipeline(self._engine, self)
        self._on_exchange = on_exchange
        self._on_tunnel = on_tunnel
        self._on_connection = on_connection
        self._audience = audience
        self._has_ended = False
        if self._scope is not None:
            self._start_telling()

    def feed(self, batch: Batch) -> None:
        """Take a batch of packets."""
        self.note_marks(batch.marks, batch.first_packet >> FILE_SHIFT)
        for index, texts in batch.comments.items():
            for text in texts:
                self._ledger.processes.read(text)
                self._ledger.credentials.claims.note(batch.first_packet + index, text)
        self._pipeline.feed(batch)

    def claim(self, claim: SocketOwner) -> SocketOwner:
        """Take what the kernel told of a connection's end (a live capture's attribution).

        The claim as it may be shown: a program can be named after a key.
        """
        return self._ledger.processes.add(claim)

    def shown(self, name: str) -> str:
        """A name that this machine gives, as it may be shown: a file can be named after a key."""
        return self._ledger.credentials.words(name)

    def flush(self) -> None:
        """Look at everything that is held for a batch (a live capture's tick)."""
        self._pipeline.flush()

    def end(self) -> None:
        """The packets are over: everything that was held is read.  Idempotent."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._scope is None:
            self._tell_what_waited()
        self._pipeline.finish()

    def place(self, key: bytes, sequence: int) -> Place | None:
        """Where a byte of a direction lies (`contract.PlacingEngine.place`)."""
        return self._engine.place(key, sequence)

    @property
    def processes(self) -> Processes:
        """The claims of connections that are still open."""
        return self._ledger.processes

    def note_marks(self, texts: Iterable[bytes], file_index: int) -> None:
        """What a file says of what is blank in it, as far as no batch has it."""
        for text in texts:
            self._ledger.marks.note(text, file_index)

    def finish(self, sources: Sources | None = None) -> Report:
        """The capture is over: everything that was seen."""
        self.end()
        ledger, notes = self._ledger, self._engine.notes
        words = ledger.credentials.words
        sources = in_words(sources or Sources(), words)
        sources = with_copies(sources, ledger.marks.copies)
        ledger.limits_hit.update(dict.fromkeys(sources.limits))
        if ledger.marks.overflow:
            ledger.limits_hit["marks of blanked bodies"] = None
        for fault in sources.faults:
            ledger.oddities.add(fault)
        ledger.oddities.merge(notes.oddities)
        if ledger.credentials.is_full:
            ledger.limits_hit["credentials known, so that free text is not shown"] = None
        roles = recognise(self._roles, ledger)
        if self._scope is None and notes.packets:
            roles = replace(
                roles,
                notes=(
                    *roles.notes,
                    f"no traffic of {' or '.join(roles.subnets)}: every TCP connection is shown",
                ),
            )
        topology = roles.fact(self._scope or "all")
        found = assemble(ledger, roles)
        held = completeness(
            sources.captures,
            sources.dropped_by_kernel,
            sources.capture_filter,
            notes,
            ledger,
            topology,
            sources.doubts,
        )
        if self._scope == "subnet":
            held = self._left_out.told(held)
        scales = weigh(sources, found, ledger.credentials)
        witnesses = None if scales is None else scales.verdict()
        if witnesses is not None:
            held = with_logs(held, witnesses)
        reached: dict[str, None] = {}
        clock_set_back = any(fault.name == CLOCK_SET_BACK for fault in sources.faults)
        case = Case(
            exchanges=found.exchanges,
            tunnels=found.tunnels,
            connections=found.connections,
            direct_tls=found.direct_tls,
            topology=topology,
            several_files=len(sources.captures) > 1,
            clock_set_back=clock_set_back,
        )
        walk = OneWalk(case)
        chains = join(
            Overheard(found.exchanges, walk.see),
            found.tunnels,
            found.connections,
            topology,
            held,
            reached,
            found.turns,
            clock_set_back=clock_set_back,
        )
        if sources.keys is not None:
            chains = with_insides(chains, found.exchanges, topology)
        held = replace(held, limits_hit=(*held.limits_hit, *reached))
        case.close(chains, held, witnesses, None if scales is None else scales.manifest)
        diagnosis = diagnose(case, walk)
        return Report(
            tool=replace(this_tool(), build=this_build(), core=self._core),
            provenance=provenance(self._options, self._key, words, ledger.credentials.scrub),
            captures=sources.captures,
            completeness=held,
            topology=topology,
            clients=found.clients,
            connections=found.connections,
            exchanges=_made_good(found.exchanges, diagnosis.recovered),
            tunnels=found.tunnels,
            direct_tls=found.direct_tls,
            oddities=ledger.oddities.facts(),
            chains=chains,
            witnesses=witnesses,
            keys=sources.keys,
            live=sources.live,
            providers=found.providers,
            hypotheses=diagnosis.hypotheses,
            findings=diagnosis.findings,
            root_cause=diagnosis.root_cause,
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Inspector holds packets: it is neither copied nor serialised")

    # -- what the pipeline asks (`pipeline.Consumer`) ------------------------------

    def is_in_scope(self, source: bytes, destination: bytes, sport: int, dport: int) -> bool:
        """Whether a connection between these ends is looked at."""
        if self._scope == "all":
            return True
        touches = self._in_subnet(source) or self._in_subnet(destination)
        if self._scope is None and touches:
            # The first connection of the subnet decides: what came before is not of it.
            self._scope = "subnet"
            self._pipeline.forget()
            if self._audience is not None:
                self._audience.forget()
            self._engine.notes.oddities.clear()
            self._engine.notes.limits_hit.clear()
            self._ledger.clear()
            self._start_telling()
        return touches or self._scope is None

    def left_out(self, source: bytes, destination: bytes, sport: int, dport: int) -> None:
        """A connection that is not of the subnet carries data."""
        self._left_out.note(source, destination, sport, dport)

    def open(self, connection: ConnectionView) -> tuple[Conversation]:
        """The reader of a connection."""
        if self._on_connection is not None:
            client, server = endpoint(*connection.client), endpoint(*connection.server)
            self._on_connection(client, server, connection.packet)
        listener = None if self._audience is None else self._audience.listen(connection)
        return (Conversation(self._ledger, connection, self._engine.turn, listener),)

    def close(self, connection: ConnectionView) -> None:
        """A connection is over, or the capture is."""
        if self._scope is None and connection.carried:
            # Should the scope become the subnet, this one is not of it.
            (client, port), (server, service) = connection.client, connection.server
            self._left_out.note(client, server, port, service)
        self._ledger.add_connection(connection)

    def _start_telling(self) -> None:
        on_exchange, on_tunnel = self._on_exchange, self._on_tunnel
        if on_exchange is not None:
            known = RememberedRoles(self._roles)

            def tell_exchange(record: ExchangeRecord) -> None:
                told = without_free_text(record)
                on_exchange(exchange_fact(told, known, service_of(told), None))

            self._ledger.on_exchange = tell_exchange
        if on_tunnel is not None:

            def tell_tunnel(record: TunnelRecord) -> None:
                on_tunnel(tunnel_fact(without_free_text(record), None))

            self._ledger.on_tunnel = tell_tunnel

    def _tell_what_waited(self) -> None:
        """No packet decided the scope: what ended while it was open is of it after all."""
        self._start_telling()
        ledger = self._ledger
        if ledger.on_exchange is not None:
            for exchange in ledger.exchanges:
                ledger.on_exchange(exchange)
        if ledger.on_tunnel is not None:
            for tunnel in ledger.tunnels:
                ledger.on_tunnel(tunnel)


def _made_good(
    exchanges: Sequence[Exchange], recovered: Mapping[ExchangeId, ExchangeId]
) -> Sequence[Exchange]:
    """The exchanges, each failed one with the call that made it good."""
    if not recovered:
        return exchanges

    def amended(exchange: Exchange) -> Exchange:
        by = recovered.get(exchange.id)
        return exchange if by is None else replace(exchange, recovered_by=by)

    return Amended(exchanges, amended)
