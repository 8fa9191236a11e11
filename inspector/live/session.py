"""One pass for every live packet: numbered, looked at, scrubbed, annotated, written.

The session does no waiting and knows no clock, command or screen: `run` calls it
when there is something to read.  So tests feed it the packets of a file, and
what it reports is what `analyze` says of the same packets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from inspector.exchanges.processes import SocketOwner
from inspector.fact import replace
from inspector.inspection import Inspector, OnExchange, OnTunnel, Sources
from inspector.live.annotations import Annotations
from inspector.live.backlog import Backlog
from inspector.live.clocks import Clocks
from inspector.live.companions import Attribution, Scrubber, SecretSource
from inspector.live.cuts import Cutter, FileCuts
from inspector.live.files import CaptureFiles, Described, Rotation
from inspector.live.interfaces import Interfaces, Stream
from inspector.live.numbering import Numbering, file_of
from inspector.live.source import Counters, Source
from inspector.model.capture import CaptureFile
from inspector.model.live import HookCount, Live
from inspector.model.network import Endpoint
from inspector.model.report import Report
from inspector.options import Options
from inspector.redaction import promise
from inspector.secrets.vault import Vault
from inspector.wire import Batch

T = TypeVar("T")


class Session:
    """Sources in, report out; `path` is where the packets go, if anywhere.

    `scrubber` None writes packets as they are (`--raw`); `vault` is the one it knows keys from.
    `cutters` say how much of a source's packets the file keeps, where that is not all.
    `backlog` is where packets wait that come faster than they are read.
    """

    def __init__(
        self,
        options: Options,
        sources: Sequence[Source],
        *,
        path: Path | None = None,
        rotation: Rotation | None = None,
        scrubber: Scrubber | None = None,
        attribution: Attribution | None = None,
        on_exchange: OnExchange | None = None,
        on_tunnel: OnTunnel | None = None,
        vault: Vault | None = None,
        keys: SecretSource | None = None,
        cutters: Mapping[Source, Cutter] | None = None,
        backlog: Backlog | None = None,
    ) -> None:
        self.sources = tuple(sources)
        self.attribution = attribution
        self.keys = keys
        self._told: deque[Callable[[], None]] = deque()
        self.inspector = Inspector(
            options,
            on_exchange=self._later(on_exchange),
            on_tunnel=self._later(on_tunnel),
            on_connection=self._connection if path is not None else None,
            audience=None if path is None else scrubber,
            vault=vault,
            keys=None if keys is None else keys.store,
        )
        if path is not None and scrubber is not None:
            scrubber.follow(self.inspector)
        self._numbering = Numbering(None if rotation is None else rotation.size)
        self._scrubber = scrubber
        self._annotations = Annotations()
        self._cuts = FileCuts({} if cutters is None or path is None else cutters)
        self.files = None
        if path is not None:
            comment = None if scrubber is None else promise()
            statement = None if scrubber is None else scrubber.statement
            self.files = CaptureFiles(
                path,
                lambda place: self._interfaces.statistics(place),
                rotation=rotation,
                comment=comment,
                statement=statement,
            )
        add = _nothing if self.files is None else self.files.add_interface
        self._interfaces = Interfaces(add, self._cuts.text)
        self._clocks = Clocks(lambda: len(self._interfaces))
        self._drained = False
        self._backlog = Backlog() if backlog is None else backlog
        self._stream = Stream()
        for source in self.sources:
            if source.interface is not None:
                self._interfaces.place(source)

    @property
    def packets(self) -> int:
        """Packets taken so far."""
        return self._numbering.packets

    @property
    def is_behind(self) -> bool:
        """Whether something that was taken is not read yet."""
        return bool(self._backlog)

    @property
    def waited(self) -> int:
        """The most bytes that ever waited to be read, beside those in the sources."""
        return self._backlog.most

    @property
    def deaf(self) -> bool:
        """Whether there was no interface to listen on, all the time."""
        return not self._interfaces

    @property
    def bytes(self) -> int:
        """The size that they have, or would have, in a file."""
        return self._numbering.bytes

    def take(self, source: Source) -> bool:
        """Take what a source has, and read on; whether it may have had anything."""
        is_more = self._backlog.receive(source)
        self.read_on()
        return is_more

    def read_on(self) -> bool:
        """Read one batch of what was taken; whether there was one.

        Claims are taken after the packets were: a short connection that came and went between the
        two readings would be over before anybody said whose it was.  So are secrets: whoever sent
        a request inside TLS had its secrets before.
        """
        following = self._backlog.next()
        if following is None:
            return False
        self.learn()
        self._make_way()
        self._pass(*following)
        self._tell()
        return True

    def flush(self) -> None:
        """Show what is held for a batch: somebody is waiting for it."""
        self.inspector.flush()
        self._tell()

    def learn(self) -> None:
        """Take what the attribution has, and the probes."""
        if self.attribution is not None:
            self._learn(self.attribution.read())
        if self.keys is not None:
            self.keys.read()

    def bound(self, source: Source) -> None:
        """A source has its interface: it stands in the file and the report, whatever comes."""
        self._interfaces.place(source)

    def drain(self) -> None:
        """Receive nothing more, take what was received, and end the files.  Idempotent."""
        if self._drained:
            return
        self._drained = True
        for source in self.sources:
            self._backlog.add(source, source.drain())
        while self.read_on():
            pass
        if self.attribution is not None:
            self._learn(self.attribution.finish())
        if self.keys is not None:
            self.keys.read()
        if self.files is not None:
            if self._scrubber is not None:
                self._write(self._scrubber.finish())
                last = file_of(self._numbering.next_reference)
                self.files.mark(self._scrubber.take_marks(last))
            self.files.close()
        self._tell()

    def discard(self) -> None:
        """There was nothing to capture after all: no file is left."""
        self.drain()
        if self.files is not None:
            for path in self.files.paths:
                path.unlink(missing_ok=True)

    def report(self, live: Live | None = None, *, doubts: Sequence[str] = ()) -> Report:
        """The report, once drained; `live` is completed with what was counted here.

        `doubts`: what else may be missing, each a clause.
        """
        self.drain()
        counters = self._interfaces.counters()
        report = self.inspector.finish(
            Sources(
                captures=self._captures(counters),
                faults=self._clocks.faults,
                dropped_by_kernel=sum(c.dropped for c in counters) if counters else None,
                capture_filter="; ".join(self._interfaces.filters()) or None,
                doubts=tuple(doubts),
                keys=None if self.keys is None else self.keys.fact,
                limits=() if self.keys is None else self.keys.store.limits,
            )
        )
        self._tell()
        if live is None:
            return report
        ends = [
            process
            for connection in report.connections
            for process in (connection.client_process, connection.server_process)
        ]
        known = sum(process is not None for process in ends)
        begun = sum(each.outcome == "established" for each in report.connections)
        return replace(
            report,
            live=replace(
                live,
                interfaces=self._interfaces.facts(counters),
                probes=tuple(self._probes(begun)),
                attributed=known,
                unattributed=len(ends) - known,
            ),
        )

    def _probes(self, begun: int) -> Iterator[HookCount]:
        if self.attribution is not None:
            yield from self.attribution.probes(begun)
        for each in () if self.keys is None else self.keys.probes():
            yield replace(each, name=self.inspector.shown(each.name))

    def _learn(self, claims: Iterable[SocketOwner]) -> None:
        for claim in claims:
            scrubbed = self.inspector.claim(claim)
            if self.files is not None:
                self._annotations.claim(scrubbed)

    # -- who is told ----------------------------------------------------------

    def _later(self, callback: Callable[[T], None] | None) -> Callable[[T], None] | None:
        """The callback, called between packets: what it raises is no fault of a connection."""
        if callback is None:
            return None
        call = callback
        return lambda fact: self._told.append(partial(call, fact))

    def _tell(self) -> None:
        while self._told:
            self._told.popleft()()

    # -- the pass -------------------------------------------------------------

    def _make_way(self) -> None:
        """The copy falls behind before the report does; once nothing more comes there is time."""
        if self._scrubber is None:
            return
        if self._backlog.is_long and not self._drained:
            self._scrubber.give_way()
        elif not self._backlog:
            self._scrubber.go_on()

    def _pass(self, source: Source, batch: Batch) -> None:
        place = self._interfaces.hear(source, batch)
        for part in self._cuts.number(source, batch, self._numbering, place):
            self._clocks.take(part)
            if self.files is not None and self._scrubber is not None:
                self._write(self._scrubber.feed(part))
                continue
            self.inspector.feed(part)
            if self.files is None:
                self._stream.count(part)
            else:
                self._write((part,))

    def _write(self, batches: Iterable[Batch]) -> None:
        files = self.files
        if files is None:
            return
        for batch in batches:
            annotated = self._annotations.annotate(self._cuts.applied(batch))
            for interface, part in self._numbering.by_interface(annotated):
                files.write(part, interface)

    def _connection(self, client: Endpoint, server: Endpoint, packet: int) -> None:
        self._annotations.opened(client, server, packet)

    def _captures(self, counters: Sequence[Counters]) -> tuple[CaptureFile, ...]:
        if self.files is not None:
            return tuple(self.files.finished)
        return (self._stream.fact(self._interfaces.described(counters)),)


def _nothing(described: Described) -> None:
    """No file describes an interface."""
