"""Where the machine's clock was set back while it captured, as the reader of the files will say."""

from __future__ import annotations

from collections.abc import Callable

from inspector.live.numbering import file_of
from inspector.model.capture import Fault
from inspector.pcap.stamps import Stamps
from inspector.pcap.walk import FaultList
from inspector.wire import Batch, packed_records


class Clocks:
    """The stamps of packets as they are numbered, file by file of a ring."""

    def __init__(self, interfaces: Callable[[], int]) -> None:
        self._interfaces = interfaces
        self._file = -1
        self._all: list[FaultList] = []

    def take(self, batch: Batch) -> None:
        """The next packets, which are of one file."""
        index = file_of(batch.first_packet)
        if index != self._file:
            faults = FaultList(index)
            self._file, self._stamps = index, Stamps(faults, self._interfaces)
            self._all = [each for each in self._all if each]
            self._all.append(faults)
        self._stamps.take(packed_records(batch.records))

    @property
    def faults(self) -> list[Fault]:
        """All of them, in the order of the packets."""
        return [fault for faults in self._all for fault in faults]
