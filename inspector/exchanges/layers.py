"""A connection is a stack of layers; a layer may have one child.

As in mitmproxy, a layer never knows what is above it: it is given bytes,
gaps and ends, and may hand the rest of its stream to a child.  `Slot` is the
place a layer stands in, so that a layer which has decided what comes next can
put its successor there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from inspector.protocols.messages import EVERYTHING
from inspector.wire import Segment


class Layer(Protocol):
    """What reads both directions of a stream."""

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes of a direction."""

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """`count` bytes passed that `wanted` said need not be shown."""

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """`count` bytes are missing from the capture."""

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> bool:
        """`count` bytes were cut away on purpose, `kept` telling their records.

        False: it cannot do without them, and they are a gap.
        """

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended cleanly."""

    def finish(self, at: int, packet: int) -> None:
        """Nothing more will be seen in either direction (end, reset, or end of capture)."""

    def wanted(self, up: bool) -> int:
        """How many bytes of a direction may pass unseen; `flows.contract.BATCH` for batches."""

    def settled(self, up: bool) -> int:
        """Which byte of the stream is the first of which something may still be told."""


class Slot:
    """The place of a layer in its parent; passes everything on to whoever stands in it."""

    __slots__ = ("layer",)

    def __init__(self) -> None:
        self.layer: Layer = Opaque()


class Opaque:
    """Bytes that nobody reads (a protocol that is not recognised, WebSocket frames)."""

    __slots__ = ()

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        pass

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        pass

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        pass

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> bool:
        return True

    def end(self, up: bool, at: int, packet: int) -> None:
        pass

    def finish(self, at: int, packet: int) -> None:
        pass

    def wanted(self, up: bool) -> int:
        return EVERYTHING

    def settled(self, up: bool) -> int:
        return EVERYTHING
