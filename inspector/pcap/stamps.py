"""From when to when packets were captured, and where the clock of a file was set back.

Who reads a file and who writes it while it is captured say the same of it.
"""

from __future__ import annotations

from collections.abc import Callable

from inspector.oddities import CLOCK_SET_BACK
from inspector.pcap.walk import FaultList
from inspector.pcap.walked import span
from inspector.wire import DISORDER_NS, PackedRecords


class Covered:
    """From when to when packets were captured: UTC nanoseconds; None before the first of them."""

    def __init__(self) -> None:
        self.earliest: int | None = None
        self.latest: int | None = None

    def take(self, records: PackedRecords, before: int = 0) -> bool:
        """Further packets, one at least; whether none goes back, the first held to `before`."""
        first, last, in_order = span(records, before)
        self.earliest = first if self.earliest is None else min(first, self.earliest)
        self.latest = last if self.latest is None else max(last, self.latest)
        return in_order


class Stamps:
    """The times of packets in the order of their file; steps back are noted in `faults`.

    `interfaces` is asked how many the file describes by now.
    """

    def __init__(self, faults: FaultList, interfaces: Callable[[], int]) -> None:
        self._faults = faults
        self._interfaces = interfaces
        self.packets = 0
        self.covered = Covered()
        self._clock = 0

    def take(self, records: PackedRecords) -> None:
        """The next packets, one at least."""
        in_order = self.covered.take(records, self._clock)
        # Of several each hands over its packets in portions: no clock has to step for that.
        if not in_order and self._interfaces() <= 1:
            self._note(records)
        self._clock = records[-1][0]
        self.packets += len(records)

    def _note(self, records: PackedRecords) -> None:
        before = self._clock
        for number, time in enumerate(records.times, start=self.packets + 1):
            back = before - time
            if back > DISORDER_NS:
                self._faults.note(CLOCK_SET_BACK, number, f"by {back / 1e9:.3f} s")
            before = time
