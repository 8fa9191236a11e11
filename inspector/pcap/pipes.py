"""Reading a pipe, or standard input, until it ends or somebody asks to stop.

A program that captures into a pipe ends when it is told to, and in a terminal
Ctrl-C tells both ends of the pipe.  What was read until then is a capture.
"""

from __future__ import annotations

import os
import select
import stat
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final, Protocol

#: After the request, so much of what already is in the pipe is still taken: more than a pipe
#: holds by default (64 KiB, pipe(7)), and an end for a writer that goes on.
LAST_BYTES: Final = 1 << 20


class Stop(Protocol):
    """A request to stop reading, which also wakes up a reader that waits."""

    @property
    def asked(self) -> bool:
        """Whether it was made."""

    def fileno(self) -> int:
        """A descriptor that is readable once it was."""

    def begin(self) -> None:
        """A pipe is being read from now on: the request may come."""

    def end(self) -> None:
        """It is no longer read."""


def is_pipe(descriptor: int) -> bool:
    """Whether its end is not known beforehand, unlike that of a file on a disk."""
    mode = os.fstat(descriptor).st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISBLK(mode))


def is_read_once(name: str) -> bool:
    """Whether what is named so cannot be read a second time: `-`, a named pipe."""
    return name == "-" or Path(name).is_fifo()


class Pipe:
    """The bytes of a pipe; `interrupted` once a request ended them before their end.

    `close` closes the file only if it is `owned`.
    """

    def __init__(self, file: BinaryIO | FileIO, stop: Stop, *, owned: bool) -> None:
        descriptor = file.fileno()
        self.interrupted = False
        self._file = file
        self._descriptor = descriptor
        self._stop = stop
        self._owned = owned
        self._left = LAST_BYTES
        self._open = True
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._poll.register(stop.fileno(), select.POLLIN)
        stop.begin()

    def read(self, size: int, /) -> bytes:
        """What is there, at most `size` bytes; empty at the end, or once it was asked to stop."""
        if not self._stop.asked:
            self._poll.poll()
        if self._stop.asked:
            self.interrupted = True
            return self._rest(size)
        return os.read(self._descriptor, size)

    def _rest(self, size: int) -> bytes:
        there = select.poll()
        there.register(self._descriptor, select.POLLIN)
        if not self._left or not there.poll(0):
            return b""
        data = os.read(self._descriptor, min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Let go of the file.  Idempotent."""
        if self._open:
            self._open = False
            self._stop.end()
            if self._owned:
                self._file.close()
