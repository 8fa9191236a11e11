"""One pass for every live packet: numbered, looked at, scrubbed, annotated, written.

The session does no waiting and knows no clock, command or screen: `run` calls it
when there is something to read.  So tests feed it the packets of a file, and
what it reports is what `analyze` says of the same packets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar

from inspector.decryption.keystore import Keystore
from inspector.exchanges.listener import Audience
from inspector.exchanges.processes import SocketOwner
from inspector.inspection import Inspector, OnExchange, OnTunnel, Sources
from inspector.live.annotations import Annotations
from inspector.live.files import CaptureFiles, Described, Rotation
from inspector.live.numbering import Numbering, file_of
from inspector.live.source import Counters, Source
from inspector.model.capture import CaptureFile, Interface, KeyMaterial
from inspector.model.live import HookCount, Live, LiveInterface
from inspector.model.network import Endpoint
from inspector.model.report import Report
from inspector.options import Options
from inspector.pcap.writer import ETHERNET, SNAP_LENGTH
from inspector.redaction import promise
from inspector.secrets.vault import Vault
from inspector.wire import Batch

_ARP: Final = b"\x08\x06"

T = TypeVar("T")


class Scrubber(Audience, Protocol):
    """Hides credentials in packets, in place: lengths, order and numbers stay.

    It may keep packets until it has seen what follows them.  It hears what the
    inspector reads in them, and has them read by it.
    """

    def follow(self, source: Inspector) -> None:
        """Who reads the packets; to be told before the first."""

    @property
    def statement(self) -> bytes:
        """The mark that begins each file."""

    def take_marks(self, file: int) -> tuple[bytes, ...]:
        """Marks that no batch of a file has."""

    def feed(self, batch: Batch) -> Iterable[Batch]:
        """Have packets read; those that are safe to write now."""

    def finish(self) -> Iterable[Batch]:
        """What it still kept."""


class Attribution(Protocol):
    """Tells which process holds which connection's end."""

    def fileno(self) -> int:
        """What becomes readable when there are claims."""

    def read(self) -> Sequence[SocketOwner]:
        """The claims made since the last call; never waits."""

    def finish(self) -> Sequence[SocketOwner]:
        """What can only be said at the end."""

    def probes(self, established: int) -> Sequence[HookCount]:
        """The programs in the kernel, and how often each of them ran.

        So many connections were `established` meanwhile: without one a program
        that never ran is nothing to speak of.
        """

    def close(self) -> None:
        """Take the programs out of the kernel.  Idempotent."""


class SecretSource(Protocol):
    """Secrets of TLS sessions that come while packets come."""

    store: Keystore

    def fileno(self) -> int:
        """What becomes readable when there are some."""

    def read(self) -> None:
        """Take them into `store`; never waits."""

    @property
    def fact(self) -> KeyMaterial:
        """What the report says of them."""

    def probes(self) -> Sequence[HookCount]:
        """Where they are taken from, and how often each place was passed."""


class Session:
    """Sources in, report out; `path` is where the packets go, if anywhere.

    `scrubber` None writes packets as they are (`--raw`); `vault` is the one it knows keys from.
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
        self._interfaces: list[Source] = []
        #: Indexes of the interfaces that delivered at least one packet that is not ARP.
        self._heard: set[int] = set()
        self.files = None
        if path is not None:
            comment = None if scrubber is None else promise()
            statement = None if scrubber is None else scrubber.statement
            self.files = CaptureFiles(
                path, self._statistics, rotation=rotation, comment=comment, statement=statement
            )
        self._drained = False
        self._stream = _Stream()
        for source in self.sources:
            if source.interface is not None:
                self._index(source)

    @property
    def packets(self) -> int:
        """Packets taken so far."""
        return self._numbering.packets

    @property
    def deaf(self) -> bool:
        """Whether there was no interface to listen on, all the time."""
        return not self._interfaces

    @property
    def bytes(self) -> int:
        """The size that they have, or would have, in a file."""
        return self._numbering.bytes

    def take(self, source: Source) -> bool:
        """Take what a source has; whether it had anything.

        Claims are taken after the packets were: a short connection that came and went between the
        two readings would be over before anybody said whose it was.  So are secrets: whoever sent
        a request inside TLS had its secrets before.
        """
        batches = source.read()
        self.learn()
        for batch in batches:
            self._pass(source, batch)
        self._tell()
        return bool(batches)

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
        self._index(source)

    def drain(self) -> None:
        """Receive nothing more, take what was received, and end the files.  Idempotent."""
        if self._drained:
            return
        self._drained = True
        for source in self.sources:
            for batch in source.drain():
                self.learn()
                self._pass(source, batch)
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
        counters = [source.statistics() for source in self._interfaces]
        filters = [source.filter.text for source in self._interfaces if source.filter is not None]
        report = self.inspector.finish(
            Sources(
                captures=self._captures(counters),
                dropped_by_kernel=sum(c.dropped for c in counters) if counters else None,
                capture_filter="; ".join(dict.fromkeys(filters)) or None,
                doubts=tuple(doubts),
                keys=None if self.keys is None else self.keys.fact,
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
                interfaces=tuple(map(self._counted, self._interfaces, counters)),
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

    def _pass(self, source: Source, batch: Batch) -> None:
        index = self._index(source)
        if index not in self._heard and _says_something(batch):
            self._heard.add(index)
        for part in self._numbering.number(batch, index):
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
            annotated = self._annotations.annotate(batch)
            for interface, part in self._numbering.by_interface(annotated):
                files.write(part, interface)

    def _connection(self, client: Endpoint, server: Endpoint, packet: int) -> None:
        self._annotations.opened(client, server, packet)

    # -- interfaces -------------------------------------------------------------

    def _index(self, source: Source) -> int:
        """The place of a source's interface in the file; a new one is described first."""
        for index, known in enumerate(self._interfaces):
            if known is source:
                return index
        self._interfaces.append(source)
        if self.files is not None:
            self.files.add_interface(_described(source))
        return len(self._interfaces) - 1

    def _statistics(self, index: int) -> Counters:
        return self._interfaces[index].statistics()

    def _counted(self, source: Source, counters: Counters) -> LiveInterface:
        return LiveInterface(
            name=source.interface or "?",
            received=counters.received,
            dropped=counters.dropped,
            freezes=counters.freezes,
            packets=source.delivered,
            note=None if self._index(source) in self._heard else _silence(source),
        )

    def _captures(self, counters: Sequence[Counters]) -> tuple[CaptureFile, ...]:
        if self.files is not None:
            return tuple(self.files.finished)
        interfaces = []
        for source, counted in zip(self._interfaces, counters, strict=True):
            told = _described(source)
            interfaces.append(
                Interface(
                    told.name,
                    told.link_type,
                    told.snap_length,
                    told.filter,
                    counted.received,
                    counted.dropped,
                )
            )
        return (self._stream.fact(tuple(interfaces)),)


class _Stream:
    """What a capture that is written nowhere says of itself in the place of a file."""

    def __init__(self) -> None:
        self._packets = self._bytes = 0
        self._earliest: int | None = None
        self._latest: int | None = None

    def count(self, batch: Batch) -> None:
        self._packets += len(batch.records)
        self._bytes += sum([captured for _, _, captured, _ in batch.records])
        first, last = min(batch.records)[0], max(batch.records)[0]
        self._earliest = first if self._earliest is None else min(first, self._earliest)
        self._latest = last if self._latest is None else max(last, self._latest)

    def fact(self, interfaces: tuple[Interface, ...]) -> CaptureFile:
        return CaptureFile(
            name=", ".join(interface.name or "?" for interface in interfaces) or "live",
            format="live",
            compression=None,
            packets=self._packets,
            bytes=self._bytes,
            started_at=self._earliest,
            ended_at=self._latest,
            interfaces=interfaces,
            comments=0,
            decryption_secrets=0,
            cut=None,
        )


def _described(source: Source) -> Described:
    return Described(
        name=source.interface or "?",
        link_type=source.link_type,
        snap_length=SNAP_LENGTH,
        filter=None if source.filter is None else source.filter.text,
    )


def _says_something(batch: Batch) -> bool:
    """Whether a packet is more than a look for an address, which filters let through."""
    if batch.link_type != ETHERNET:
        return True
    return any(batch.data[start + 12 : start + 14] != _ARP for _, start, _, _ in batch.records)


def _silence(source: Source) -> str:
    """Why an interface may have had nothing to say."""
    if source.filter is not None:
        return (
            f"no packet but ARP passed the filter ({source.filter.text}): either there was no"
            " traffic, or this is the wrong network;"
            " try --scope all, or name another interface with -i"
        )
    return (
        "no packet but ARP was seen: there was no traffic, or this is the wrong bridge;"
        " see `ip -br link`"
    )
