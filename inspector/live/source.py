"""Where live packets come from, as the session sees it: anything that can be polled.

`capture.ring.Ring` is one; tests give the packets of a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from inspector.wire import Batch


class Counters(Protocol):
    """What the kernel counted since a source was opened.

    `received` includes `dropped`; `freezes` counts the times the ring was full.
    """

    @property
    def received(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def freezes(self) -> int: ...


class Described(Protocol):
    """What a filter keeps, in words."""

    @property
    def text(self) -> str: ...


class Source(Protocol):
    """One interface that is listened on.

    `delivered` counts the packets given so far; once `drain` is through,
    `delivered + dropped == received`.  `downs` counts how often the interface went
    down.  Batches are numbered by the session, whatever they say.
    """

    delivered: int
    downs: int

    @property
    def interface(self) -> str | None: ...
    @property
    def link_type(self) -> int: ...
    @property
    def filter(self) -> Described | None: ...
    @property
    def state(self) -> Literal["waiting", "running", "down", "gone", "stopped"]: ...

    @property
    def is_filling(self) -> bool:
        """Whether a quarter of the room is taken in which packets wait for `read`."""

    def fileno(self) -> int:
        """What becomes readable when there may be packets, or news of the interface."""

    def read(self) -> Sequence[Batch]:
        """The packets that are there; never waits."""

    def drain(self) -> Iterator[Batch]:
        """Receive nothing more, and give everything that was received before."""

    def statistics(self) -> Counters:
        """Totals since it was opened."""

    def close(self) -> None:
        """Release all resources.  Idempotent."""
