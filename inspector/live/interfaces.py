"""The interfaces of a live capture: their places in the file, and what is said of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from inspector.live.files import Described
from inspector.live.source import Counters, Source
from inspector.model.capture import CaptureFile, Interface
from inspector.model.live import LiveInterface
from inspector.pcap.stamps import Covered
from inspector.pcap.writer import ETHERNET, SNAP_LENGTH
from inspector.wire import EVERYTHING, Batch, packed_records

_ARP: Final = b"\x08\x06"


class Interfaces:
    """Those that were there, in the order in which they came.

    `on_new` is told of each with what a file says of it; `cuts` is what a file says of a
    source's packets beside its filter.
    """

    def __init__(self, on_new: Callable[[Described], None], cuts: Callable[[Source], str]) -> None:
        self._on_new = on_new
        self._cuts = cuts
        self._known: list[Source] = []
        #: Places of those that delivered at least one packet that is not ARP.
        self._heard: set[int] = set()

    def __len__(self) -> int:
        return len(self._known)

    def place(self, source: Source) -> int:
        """The place of a source's interface in the file; a new one is described first."""
        for index, known in enumerate(self._known):
            if known is source:
                return index
        self._known.append(source)
        self._on_new(_described(source, self._cuts(source)))
        return len(self._known) - 1

    def hear(self, source: Source, batch: Batch) -> int:
        """Packets came of it; its place."""
        place = self.place(source)
        if place not in self._heard and _says_something(batch):
            self._heard.add(place)
        return place

    def statistics(self, place: int) -> Counters:
        """Totals of the interface at a place."""
        return self._known[place].statistics()

    def counters(self) -> list[Counters]:
        """Totals of all of them."""
        return [source.statistics() for source in self._known]

    def filters(self) -> list[str]:
        """What was asked of the kernel, each once."""
        found = (source.filter.text for source in self._known if source.filter is not None)
        return list(dict.fromkeys(found))

    def facts(self, counters: Sequence[Counters]) -> tuple[LiveInterface, ...]:
        """What the report says of each under `live`."""
        return tuple(
            LiveInterface(
                name=source.interface or "?",
                received=counted.received,
                dropped=counted.dropped,
                freezes=counted.freezes,
                packets=source.delivered,
                note=None if place in self._heard else _silence(source),
            )
            for place, (source, counted) in enumerate(zip(self._known, counters, strict=True))
        )

    def described(self, counters: Sequence[Counters]) -> tuple[Interface, ...]:
        """The same as a file would have them."""
        found = []
        for source, counted in zip(self._known, counters, strict=True):
            told = _described(source, "")
            found.append(
                Interface(
                    told.name,
                    told.link_type,
                    told.snap_length,
                    told.filter,
                    counted.received,
                    counted.dropped,
                )
            )
        return tuple(found)


class Stream:
    """What a capture that is written nowhere says of itself in the place of a file."""

    def __init__(self) -> None:
        self._packets = self._bytes = 0
        self._covered = Covered()

    def count(self, batch: Batch) -> None:
        records = packed_records(batch.records)
        self._packets += len(records)
        self._bytes += sum(records.packed[2::4])
        self._covered.take(records)

    def fact(self, interfaces: tuple[Interface, ...]) -> CaptureFile:
        return CaptureFile(
            name=", ".join(interface.name or "?" for interface in interfaces) or "live",
            format="live",
            compression=None,
            packets=self._packets,
            bytes=self._bytes,
            started_at=self._covered.earliest,
            ended_at=self._covered.latest,
            interfaces=interfaces,
            comments=0,
            decryption_secrets=0,
            cut=None,
        )


def _described(source: Source, cuts: str) -> Described:
    return Described(
        name=source.interface or "?",
        link_type=source.link_type,
        snap_length=SNAP_LENGTH,
        filter=_filter(source, cuts),
    )


def _filter(source: Source, cuts: str) -> str | None:
    """What is kept of its packets, and what is `cuts` in the file."""
    if source.filter is None:
        return f"{EVERYTHING}{cuts}" if cuts else None
    return source.filter.text + cuts


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
