"""The packets of a few connections alone, as a redacted capture of their own.

The whole capture is read first, for its credentials and for which packets these are.  Then those
packets are read as if the file held no others, masked and audited as every copy is (`files`): there
is no second masker.  What is left out is said in the copy as its capture filter, so that nobody
takes an absence in it for a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

from inspector.errors import InspectorError
from inspector.fact import replace
from inspector.flows.addresses import endpoint
from inspector.model.capture import CaptureFile, Interface
from inspector.model.network import Endpoint
from inspector.pcap.reader import CaptureReader, open_captures
from inspector.redaction.copies import audit
from inspector.redaction.files import study, write_copy
from inspector.redaction.frames import FrameReader
from inspector.redaction.redactor import Redactor
from inspector.redaction.summary import RedactionSummary
from inspector.wire import FILE_SHIFT, Batch

_NUMBER: Final = (1 << FILE_SHIFT) - 1


class ConnectionRange(NamedTuple):
    """Packets between two ends, in both directions, from `since` to `until` (ns, inclusive)."""

    client: Endpoint
    server: Endpoint
    since: int | None = None
    until: int | None = None

    @property
    def rule(self) -> str:
        """The ends in the words of a capture filter (pcap-filter(7))."""
        hosts = f"host {self.client.ip} and host {self.server.ip}"
        return f"({hosts} and tcp port {self.client.port} and tcp port {self.server.port})"


def extract_into(
    name: str,
    out: BinaryIO,
    ranges: Sequence[ConnectionRange],
    *,
    auth_headers: Iterable[str] = (),
    kept_headers: Iterable[str] = (),
    on_progress: Callable[[int], None] | None = None,
) -> RedactionSummary:
    """Write the packets of `ranges` in the capture `name` into `out`, masked, and audit that.

    `out` is open for reading and writing, and empty; the file `name` is read three times.  Raises
    `InspectorError` when none of its packets is in `ranges`, and `CaptureError` when it cannot be
    read.
    """
    headers, kept = tuple(auth_headers), tuple(kept_headers)
    first = Redactor(auth_headers=headers, kept_headers=kept)
    chooser = _Chooser(ranges)
    study(name, first, chooser.look, on_progress)
    numbers = frozenset(chooser.numbers)
    if not numbers:
        raise InspectorError(
            f"{name} holds no packet of these connections",
            "Name the capture that the report was made of",
            "The report itself is not in doubt",
        )
    rule = " or ".join(each.rule for each in ranges)
    redactor = Redactor(auth_headers=headers, kept_headers=kept, vault=first.masker.vault)

    def opened() -> ChosenPackets:
        [reader] = open_captures([name])
        return ChosenPackets(reader, numbers, rule)

    write_copy(opened(), out, redactor)
    out.flush()
    source = opened()
    try:
        recoded = redactor.recoded_of(0)
        found = audit([out], redactor.masker.vault, source=source, recoded=recoded)
    finally:
        source.close()
    redactor.summary.audit = found
    return redactor.summary


class _Chooser:
    """Collects the numbers of the packets that are in one of some ranges."""

    def __init__(self, ranges: Iterable[ConnectionRange]) -> None:
        self.numbers: set[int] = set()
        self._frames = FrameReader()
        self._wanted: dict[frozenset[Endpoint], list[ConnectionRange]] = {}
        for each in ranges:
            self._wanted.setdefault(frozenset((each.client, each.server)), []).append(each)

    def look(self, batch: Batch) -> None:
        """Look at the packets of one batch, fragments of a datagram included."""
        for index, (at, start, captured, wire) in enumerate(batch.records):
            number = (batch.first_packet + index) & _NUMBER
            frame = batch.data[start : start + captured]
            try:
                reading = self._frames.read(batch.link_type, frame, wire, at, number)
            except Exception:  # a frame made to find an error is in no connection
                continue
            segment = reading.segment
            if segment is None:
                continue
            source = endpoint(segment.source, segment.sport)
            ranges = self._wanted.get(
                frozenset((source, endpoint(segment.destination, segment.dport))), ()
            )
            if any(_is_within(at, each) for each in ranges):
                self.numbers.add(number)
                self.numbers.update(place.number for place in reading.places or ())


def _is_within(at: int, wanted: ConnectionRange) -> bool:
    since, until = wanted.since, wanted.until
    return (since is None or at >= since) and (until is None or at <= until)


class ChosenPackets:
    """A capture as if it held some of its packets alone, numbered from 1.

    It is asked as a `CaptureReader` is.  Each of its interfaces has a capture filter.
    """

    def __init__(self, reader: CaptureReader, numbers: Collection[int], rule: str) -> None:
        self._reader = reader
        self._numbers = numbers
        self._rule = rule
        self._before = reader.track_interfaces()
        self._changes: list[tuple[int, int]] = []
        self._taken = 0
        self._interface = self._told = 0

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._reader:
            first = batch.first_packet & _NUMBER
            at = 0
            while at < len(batch.records):
                if first + at not in self._numbers:
                    at += 1
                    continue
                end = at + 1
                while end < len(batch.records) and first + end in self._numbers:
                    end += 1
                yield self._part(batch.part(at, end), first + at)
                at = end

    def _part(self, part: Batch, first: int) -> Batch:
        for index in range(len(part.records)):
            while self._before and self._before[0][0] <= first + index:
                self._interface = self._before.pop(0)[1]
            self._taken += 1
            if self._interface != self._told:
                self._told = self._interface
                self._changes.append((self._taken, self._interface))
        return replace(part, first_packet=self._taken - len(part.records) + 1)

    def track_interfaces(self) -> list[tuple[int, int]]:
        """As `CaptureReader.track_interfaces`."""
        return self._changes

    def take_marks(self) -> tuple[bytes, ...]:
        """As `CaptureReader.take_marks`."""
        return self._reader.take_marks()

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces of the capture; what they are said to have received is not here."""
        return tuple(
            replace(each, filter=self._rule, received=None) for each in self._reader.interfaces
        )

    @property
    def owed(self) -> tuple[bool, ...]:
        """As `CaptureReader.owed`."""
        return self._reader.owed

    @property
    def capture_file(self) -> CaptureFile:
        """As `CaptureReader.capture_file`."""
        return self._reader.capture_file

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
