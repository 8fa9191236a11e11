"""Marks in the making: which bodies are blank in a copy, until it is written.

A mark is written before the packet that ends its stretch, so that whoever reads the copy
in one go knows it in time.  Of a stream its sequence numbers are learnt from its packets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inspector.exchanges.marks import (
    BLOCK_LIMIT,
    BlankReason,
    BlankStretch,
    BlockHead,
    BodyFacts,
    written_stretch,
)
from inspector.fact import Fact
from inspector.flows.tcp import SEQUENCE_MASK
from inspector.model.network import Endpoint
from inspector.protocols.extent import Extent

#: Marks of one file; of further stretches nothing is said.
MARKS_LIMIT: Final = 1 << 16


class Sequence:
    """Which sequence number the first byte of a direction has."""

    __slots__ = ("first",)

    def __init__(self) -> None:
        self.first: int | None = None

    def lies(self, offset: int, sequence: int) -> None:
        """The byte at `offset` has this sequence number."""
        if self.first is None:
            self.first = (sequence - offset) & SEQUENCE_MASK

    def of(self, offset: int) -> int | None:
        """The sequence number of the byte at `offset`; None where none is known."""
        return None if self.first is None else (self.first + offset) & SEQUENCE_MASK


class Draft(Fact):
    """A mark that is not written yet, of the file with this index."""

    file: int
    ends: tuple[Endpoint, Endpoint]
    sequence: Sequence
    at: int
    extent: Extent
    why: BlankReason
    facts: BodyFacts | None
    key: str | None
    head: BlockHead = ()

    @property
    def stretch(self) -> BlankStretch:
        """What the mark says."""
        start, stop = self.extent
        source, destination = self.ends
        return BlankStretch(
            source, destination, self.at, self.sequence.of(start), stop - start, self.why,
            self.facts, self.key, self.head,
        )  # fmt: skip


class Drafts:
    """What is to be marked in the copies that are written together."""

    def __init__(self) -> None:
        self._waiting: list[Draft] = []
        self._count = 0

    def add(self, draft: Draft) -> None:
        """A stretch is over."""
        if self._count < MARKS_LIMIT:
            self._count += 1
            self._waiting.append(draft)

    def take(self, file: int, masked: Callable[[str], str]) -> tuple[bytes, ...]:
        """The marks of a file since the last call; `masked` takes keys out of free text."""
        if not self._waiting:
            return ()
        taken = [draft for draft in self._waiting if draft.file == file]
        self._waiting = [draft for draft in self._waiting if draft.file != file]
        texts = (written_stretch(draft.stretch, masked) for draft in taken)
        return tuple(text for text in texts if len(text) <= BLOCK_LIMIT)
