"""A process that judges runs one after the other, and dies of them alone.

A capture can make a process take all memory, all time, or crash an extension.  So each run is
judged in a child: it limits its own memory, its parent limits its time, and whoever kills it loses
one run.  Both sides talk over pipes in frames of pickle, each behind its length.
"""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from time import monotonic
from typing import IO, Any, Final

from inspector.coredumps import forbid
from inspector.fact import Fact
from inspector.fleet.discovery import FoundRun
from inspector.fleet.judging import Judged, failed, judged
from inspector.fleet.settings import FleetSettings

_LENGTH: Final = struct.Struct("<Q")
_PIECE: Final = 1 << 16

#: What a child is started as.
COMMAND: Final = (sys.executable, "-m", "inspector.fleet.cell")


class Died(Exception):
    """The child is gone before it answered; `how` says in words what ended it."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class TooSlow(Exception):
    """The child did not answer in time; it was ended."""


class RunTask(Fact):
    """A run to be judged, and what is known of it."""

    run: FoundRun
    known_inputs: str | None = None


class Cell:
    """The parent's side.  Questions may be put before the last was answered; answers keep order."""

    def __init__(self, settings: FleetSettings, command: Sequence[str] = COMMAND) -> None:
        self._limit = settings.time_limit
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._heard = bytearray()
        self._put(settings)

    def ask(self, question: RunTask) -> None:
        """Put a question.  That the child is gone is told by `answer`."""
        self._put(question)

    def answer(self) -> Judged:
        """The answer to the first question that has none.  Raises `Died` and `TooSlow`."""
        assert self._child.stdout is not None
        descriptor = self._child.stdout.fileno()
        end = monotonic() + self._limit
        while (frame := self._frame()) is None:
            left = end - monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                self.close()
                raise TooSlow
            piece = os.read(descriptor, _PIECE)
            if not piece:
                raise Died(self._how())
            self._heard += piece
        told = pickle.loads(frame)
        assert isinstance(told, Judged)
        return told

    @property
    def has_ended(self) -> bool:
        """Whether there is no process any more."""
        return self._child.poll() is not None

    def kill(self) -> None:
        """End the child from another thread: whoever waits for an answer is told that it died."""
        self._child.kill()

    def close(self) -> None:
        """End the child, whatever it is doing.  Idempotent."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def _frame(self) -> bytes | None:
        heard = self._heard
        if len(heard) < _LENGTH.size:
            return None
        [length] = _LENGTH.unpack_from(heard)
        if len(heard) < _LENGTH.size + length:
            return None
        frame = bytes(heard[_LENGTH.size : _LENGTH.size + length])
        del heard[: _LENGTH.size + length]
        return frame

    def _put(self, value: object) -> None:
        """Write a frame; what the child says meanwhile is read, so that neither waits for ever."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        into, out = self._child.stdin.fileno(), self._child.stdout.fileno()
        left = memoryview(framed(value))
        try:
            while left:
                _, writable, _ = select.select([out], [into], [])
                if writable:
                    left = left[os.write(into, left[: select.PIPE_BUF]) :]
                elif piece := os.read(out, _PIECE):
                    self._heard += piece
                else:
                    return  # it is gone: `answer` finds out why
        except OSError:
            return

    def _how(self) -> str:
        status = self._child.wait()
        self.close()
        if status >= 0:
            return f"its process ended with status {status}"
        return f"its process was killed by {signal.Signals(-status).name}"


def framed(value: object) -> bytes:
    """A value as one frame."""
    data = pickle.dumps(value, protocol=5)
    return _LENGTH.pack(len(data)) + data


def put(out: IO[bytes], value: object) -> None:
    """Write one frame."""
    whole = memoryview(framed(value))
    while whole:
        whole = whole[out.write(whole) or 0 :]


def taken(source: IO[bytes]) -> Any:
    """Read one frame; None at the end."""
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return pickle.loads(source.read(_LENGTH.unpack(head)[0]))


def main(judge: Callable[[FoundRun, FleetSettings, str | None], Judged] = judged) -> None:
    """The child: settings first, then questions until there are no more."""
    forbid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # nothing that prints may get between the frames
    settings = taken(source)
    if settings is None:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (settings.memory_limit, settings.memory_limit))
    while (question := taken(source)) is not None:
        # Should the parent be gone, nobody else ends what takes for ever.
        signal.setitimer(signal.ITIMER_REAL, 2 * settings.time_limit + 1)
        try:
            told = judge(question.run, settings, question.known_inputs)
        except MemoryError:
            limit = settings.memory_limit >> 20
            text = f"it asked for more than {limit} MiB of memory (--memory-limit)"
            put(out, failed(question.run, settings, "memory-limit", text))
            return  # what is left of the memory may be too little for another run
        signal.setitimer(signal.ITIMER_REAL, 0)
        put(out, told)


if __name__ == "__main__":
    main()
