"""Packet numbers of a live capture: assigned once, before anything looks at a packet.

The report's packet references and the file's packets must be the same ones, so
the order in which packets were read is the order in which they are written, and
where the next file of a ring begins is decided here, not by the writer: the redactor
in between preserves lengths, but may delay packets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from inspector.fact import replace
from inspector.wire import FILE_SHIFT, Batch, PackedRecords, packed_records, packet_reference

#: An enhanced packet block without options, beside its packet (pcapng 4.3).
BLOCK_OVERHEAD: Final = 32


class Numbering:
    """Gives each batch its number and its file; remembers which interface it came from.

    `rotate` is the size in bytes at which the next file begins (None: never).
    """

    def __init__(self, rotate: int | None = None) -> None:
        self._rotate = rotate
        self._file = 0
        self._number = 0
        self._planned = 0
        self._runs: deque[tuple[int, int]] = deque()
        self.packets = 0
        self.bytes = 0

    @property
    def next_reference(self) -> int:
        """The reference that the next packet gets if no new file begins."""
        return packet_reference(self._file, self._number + 1)

    def number(self, batch: Batch, interface: int) -> list[Batch]:
        """The batch with its references; in parts where a file ends within it."""
        size = _size(packed_records(batch.records))
        self.packets += len(batch.records)
        self.bytes += size
        if self._rotate is None or self._planned + size <= self._rotate:
            return [self._part(batch, 0, len(batch.records), size, interface)]
        parts: list[Batch] = []
        start = begun = 0
        for at, (_, _, captured, _) in enumerate(batch.records):
            block = ((captured + 3) & ~3) + BLOCK_OVERHEAD
            if self._planned + begun + block > self._rotate and self._planned + begun:
                if at > start:
                    parts.append(self._part(batch, start, at, begun, interface))
                self._file += 1
                self._number = self._planned = begun = 0
                start = at
            begun += block
        parts.append(self._part(batch, start, len(batch.records), begun, interface))
        return parts

    def by_interface(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """A numbered batch in parts of one interface each; batches are asked for in order.

        What scrubs packets may join what came from several.
        """
        runs = self._runs
        first, count = batch.first_packet, len(batch.records)
        start = 0
        while start < count:
            while len(runs) > 1 and runs[1][0] <= first + start:
                runs.popleft()
            end = count
            if len(runs) > 1 and file_of(runs[1][0]) == file_of(first):
                end = min(count, runs[1][0] - first)
            yield runs[0][1], batch.part(start, end)
            start = end

    def _part(self, batch: Batch, start: int, end: int, size: int, interface: int) -> Batch:
        first = packet_reference(self._file, self._number + 1)
        self._number += end - start
        self._planned += size
        if not self._runs or self._runs[-1][1] != interface:
            self._runs.append((first, interface))
        return replace(batch, first_packet=first - start).part(start, end)


def _size(records: PackedRecords) -> int:
    """The bytes of packets in a file: of each its own, what fills it up to four, and a block's."""
    captured = records.packed[2::4]
    return sum(captured) + sum([-each & 3 for each in captured]) + BLOCK_OVERHEAD * len(captured)


def file_of(reference: int) -> int:
    """The index of the file that a packet stands in."""
    return reference >> FILE_SHIFT
