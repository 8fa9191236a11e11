"""A screen that shows lines as they come, can be paused, and ends with q."""

from __future__ import annotations

import contextlib
import os
import sys
import termios
import tty
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from inspector.live.capture import Watchers
from inspector.live.lines import Lines
from inspector.live.session import Session
from inspector.model.network import Endpoint, Process

#: Lines kept while paused; older ones are counted.
KEPT: Final = 10_000


class PausableScreen:
    """Passes lines on to `show`, or keeps them while it is paused."""

    def __init__(self, show: Callable[[str], None], tell: Callable[[str], None]) -> None:
        self._show = show
        self._tell = tell
        self._waiting: deque[str] = deque(maxlen=KEPT)
        self._lost = 0
        self.paused = False

    def line(self, text: str) -> None:
        """Show a line, now or later."""
        if not self.paused:
            self._show(text)
            return
        self._lost += len(self._waiting) == KEPT
        self._waiting.append(text)

    def toggle(self) -> None:
        """Pause, or go on and show what came meanwhile."""
        self.paused = not self.paused
        if self.paused:
            self._tell("paused; space goes on, q ends")
            return
        if self._lost:
            self._tell(f"{self._lost} lines came while paused and were not kept")
        self._lost = 0
        while self._waiting:
            self._show(self._waiting.popleft())


class Keyboard:
    """Keys of the terminal: space or p pauses, q ends."""

    def __init__(self, descriptor: int, screen: PausableScreen) -> None:
        self._descriptor = descriptor
        self._screen = screen

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> bool:
        """Act on the keys that were pressed; whether the end was asked for."""
        keys = os.read(self._descriptor, 64)
        for key in keys:
            if key in b" p":
                self._screen.toggle()
            elif key in b"q":
                return True
        return not keys  # the terminal is gone


@contextlib.contextmanager
def keyboard(screen: PausableScreen) -> Iterator[Keyboard | None]:
    """The keyboard, each key at once and without echo; None where there is none."""
    if not sys.stdin.isatty():
        yield None
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor, termios.TCSANOW)
    try:
        yield Keyboard(descriptor, screen)
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


@contextlib.contextmanager
def line_watchers(*, color: bool, encoding: str, tell: Callable[[str], None]) -> Iterator[Watchers]:
    """What shows a line on standard output for all that ends."""
    sessions: list[Session] = []

    def who(client: Endpoint, server: Endpoint) -> Process | None:
        return sessions[0].inspector.processes.known(client, server)

    def show(text: str) -> None:
        sys.stdout.buffer.write(text.encode(encoding, "backslashreplace") + b"\n")
        sys.stdout.buffer.flush()

    screen = PausableScreen(show, tell)
    lines = Lines(color=color, who=who)
    with keyboard(screen) as keys:
        yield Watchers(
            on_exchange=lambda exchange: screen.line(lines.exchange(exchange)),
            on_tunnel=lambda tunnel: screen.line(lines.tunnel(tunnel)),
            on_begin=sessions.append,
            on_tick=Session.flush,
            keys=keys,
            tell=tell,
        )
