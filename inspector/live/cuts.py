"""Packets that are read whole, and stand cut in the file (`capture --keys` without `--full`)."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from inspector.fact import replace
from inspector.live.numbering import Numbering
from inspector.live.source import Source
from inspector.wire import Batch


class Cutter(Protocol):
    """Says how much of each frame of one interface a file keeps."""

    @property
    def text(self) -> str:
        """What the file says of it, behind the text of the interface's filter."""

    def kept(self, batch: Batch) -> array[int]:
        """How many bytes of each frame of a batch, asked for in their order."""


class FileCuts:
    """What the file keeps of each packet between its reading and its writing.

    Batches come in the order of their numbers, and are written in it, each packet once.
    """

    def __init__(self, cutters: Mapping[Source, Cutter]) -> None:
        self._cutters = cutters
        self._kept: deque[int] = deque()

    def text(self, source: Source) -> str:
        """What is said of an interface's packets in the file."""
        cutter = self._cutters.get(source)
        return "" if cutter is None else cutter.text

    def number(
        self, source: Source, batch: Batch, numbering: Numbering, index: int
    ) -> Sequence[Batch]:
        """The batch whole, with its numbers: in parts where a file of what is kept ends."""
        if not self._cutters:
            return numbering.number(batch, index)
        cutter = self._cutters.get(source)
        if cutter is None:
            lengths: Sequence[int] = [captured for _, _, captured, _ in batch.records]
        else:
            lengths = cutter.kept(batch)
        self._kept.extend(lengths)
        cut = replace(batch, records=_cut(batch, lengths))
        parts, start = [], 0
        for part in numbering.number(cut, index):
            stop = start + len(part.records)
            parts.append(replace(part, records=batch.records[start:stop]))
            start = stop
        return parts

    def applied(self, batch: Batch) -> Batch:
        """The next packets as the file keeps them."""
        if not self._cutters:
            return batch
        kept = [self._kept.popleft() for _ in batch.records]
        return replace(batch, records=_cut(batch, kept))


def _cut(batch: Batch, lengths: Sequence[int]) -> list[tuple[int, int, int, int]]:
    return [
        (at, offset, min(captured, length), wire)
        for (at, offset, captured, wire), length in zip(batch.records, lengths, strict=True)
    ]
