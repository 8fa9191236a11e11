"""Standard streams that cannot fail a run: closed, full, or with a reader who left.

An exit code is a verdict, so writing must not decide it.  What cannot be written
is dropped, and remembered: a reader who left (`| head`) wanted no more, which is
no failure; a closed or full output is one, told when the run is over.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDIN, STDOUT, STDERR = range(3)


class ReaderLeft(BaseException):
    """The other end of standard output was closed, and nothing else is left to do.

    No Exception: it is raised where an exchange is told, from within the core,
    which lives on whatever fails in it.
    """


class Kept(io.RawIOBase):
    """Writes to a descriptor until that fails; `lost` says how, and the rest is dropped.

    With `for_reader_only` the run is of no use without its reader: writing then
    raises `ReaderLeft`.
    """

    def __init__(self, descriptor: int, lost: OSError | None = None) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.lost = lost
        self.for_reader_only = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer, /) -> int:
        size = memoryview(data).nbytes
        while self.lost is None:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:  # whoever started us left it so
                waiting = select.poll()
                waiting.register(self._descriptor, select.POLLOUT)
                waiting.poll()
            except OSError as error:
                self.lost = error
        if self.for_reader_only and self.reader_left:
            raise ReaderLeft
        return size

    @property
    def reader_left(self) -> bool:
        """Whether the other end of a pipe was closed, which is its reader's good right."""
        return self.lost is not None and self.lost.errno == errno.EPIPE


class Streams:
    """Standard output and error of a program, as `standing` made them."""

    def __init__(self, out: Kept, err: Kept) -> None:
        self.out = out
        self.err = err

    def failure(self) -> str | None:
        """The run is over: why its output is not there; None if it is, or if nobody wants it."""
        sys.stdout.flush()
        lost = self.out.lost
        if lost is None or self.out.reader_left:
            return None
        why = "is closed" if lost.errno == errno.EBADF else f"cannot be written ({lost.strerror})"
        return (
            f"Standard output {why}, so what was asked for is not written there. If only the exit "
            "code is wanted, redirect to /dev/null. This says nothing about the capture."
        )


_standing: Streams | None = None


@contextmanager
def only_for_reader(applies: bool = True) -> Iterator[None]:
    """What the block does has no use but its output: it ends when nobody reads that any more."""
    standing = _standing
    if standing is None or not applies:
        yield
        return
    standing.out.for_reader_only = True
    try:
        yield
    finally:
        standing.out.for_reader_only = False


@contextmanager
def standing() -> Iterator[Streams]:
    """Put such streams in the place of standard output and error, until the end of the block.

    A descriptor that is closed is taken by /dev/null, so that no file that is
    opened later gets its number; `sys.stdin` stays None.
    """
    global _standing
    closed = _occupied()
    before = sys.stdout, sys.stderr
    out, err = (
        Kept(each, OSError(errno.EBADF, os.strerror(errno.EBADF)) if each in closed else None)
        for each in (STDOUT, STDERR)
    )
    sys.stdout = _text(out, before[0])
    sys.stderr = _text(err, before[1], errors="backslashreplace")
    _standing = Streams(out, err)
    try:
        yield _standing
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        _standing = None


def _occupied() -> frozenset[int]:
    """Which of the standard descriptors were closed; /dev/null has their places now."""
    closed = set()
    for each in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(each)
        except OSError:
            # The lowest number that is free is given: this one.
            os.open(os.devnull, os.O_RDONLY if each == STDIN else os.O_WRONLY)
            closed.add(each)
    return frozenset(closed)


def _text(raw: Kept, like: TextIO | None, errors: str | None = None) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(like, "encoding", None) or "utf-8",
        errors=errors or getattr(like, "errors", None) or "strict",
        line_buffering=errors is not None or raw.isatty(),
    )
