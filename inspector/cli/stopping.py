"""Ctrl-C while a pipe is being read: it ends the reading, not the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from inspector.cli.interrupts import give_back, handle


class Stop:
    """Trial for by the first SIGINT while a pipe is being read (see `pcap.pipes`).

    The second one, and any while no pipe is read, is a KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.asked = False
        self._readers = 0
        self._wake, self._woken = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def fileno(self) -> int:
        """Readable once it was asked."""
        return self._wake

    def begin(self) -> None:
        """A pipe is read from now on."""
        self._readers += 1

    def end(self) -> None:
        """It is read no more."""
        self._readers -= 1

    def take(self, _number: int, _frame: FrameType | None) -> None:
        """The signal's handler."""
        if self.asked or not self._readers:
            raise KeyboardInterrupt
        self.asked = True
        os.write(self._woken, b"s")

    def close(self) -> None:
        """Release the descriptors.  Idempotent."""
        for descriptor in (self._wake, self._woken):
            if descriptor >= 0:
                os.close(descriptor)
        self._wake = self._woken = -1


@contextmanager
def graceful() -> Iterator[Stop]:
    """A `Stop` that SIGINT asks, until the end of the block."""
    stop = Stop()
    ours = handle(stop.take)
    try:
        yield stop
    finally:
        if ours:
            give_back()
        stop.close()
