"""Runs a session until something ends it: the command, a limit, a signal, the interface.

One thread, one `poll`: sources, the attribution, the command's end, signals,
keys and the coming of an interface are descriptors; limits are its timeout.

How a capture ends.  When the command has ended, packets may still be on their
way: the capture goes on until nothing was received for `QUIET` (a ring hands a
block over after half of that at most, so by then all that was sent before is
seen), at most `LINGER`.  Then, and for every other reason at once, each source
is drained: the kernel receives nothing more and gives what it had, exactly.
"""

from __future__ import annotations

import gc
import select
import signal
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from inspector.fact import Fact
from inspector.linux.memory import return_freed
from inspector.live.command import Command
from inspector.live.session import Session
from inspector.live.signals import Caught, Signals
from inspector.live.source import Source
from inspector.model.live import EndedFor

#: Seconds without a packet after which nothing is on its way any more.
QUIET: Final = 0.15
#: Seconds after the command's end at which the capture ends in any case.
LINGER: Final = 2.0
#: A tick: limits are looked at, and what is held for a batch is shown.
TICK: Final = 0.25
#: Seconds between two times that unused memory is looked for and given back.
TIDY: Final = 15.0


class Ending(Fact):
    """Why a capture ended; `sentence` is fit for the user's eyes."""

    reason: EndedFor
    sentence: str


class StopLimits(Fact):
    """What ends a capture by itself: seconds, bytes in the file; None: nothing."""

    duration: float | None = None
    size: int | None = None


class Finder(Protocol):
    """Looks for interfaces that come, and come again, and binds the waiting sources to them."""

    def fileno(self) -> int:
        """Readable when interfaces have changed."""

    def look(self) -> None:
        """Bind what can be bound now."""


class Keys(Protocol):
    """A keyboard; `read` returns whether the user asks to end."""

    def fileno(self) -> int: ...
    def read(self) -> bool: ...


def run(
    session: Session,
    signals: Signals,
    *,
    command: Command | None = None,
    limits: StopLimits | None = None,
    finder: Finder | None = None,
    keys: Keys | None = None,
    on_tick: Callable[[], None] | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Ending:
    """Capture until the end, and drain; the session can report afterwards."""
    loop = _Loop(session, signals, command, limits or StopLimits(), finder, keys, on_tick, tell)
    try:
        return loop.run()
    finally:
        session.drain()


def await_command(command: Command, signals: Signals) -> int:
    """The capture is over, the command is not: its exit status once it has ended."""
    poll = select.poll()
    poll.register(command, select.POLLIN)
    poll.register(signals, select.POLLIN)
    passing = _Passing(command)
    while command.poll() is None:
        poll.poll()
        caught = signals.read()
        if caught is not None:
            passing.on(caught)
    return command.wait()


class _Passing:
    """Signals that come while the command runs are the command's.

    A Ctrl-C has reached it by itself; what was sent to us alone is passed on;
    who asks a second time wants an end now.
    """

    def __init__(self, command: Command) -> None:
        self._command = command
        self._asked = False

    def on(self, caught: Caught) -> None:
        if self._asked:
            self._command.send(signal.SIGKILL)
        elif not caught.by_terminal:
            self._command.send(caught.number)
        self._asked = True


class _Loop:
    def __init__(
        self,
        session: Session,
        signals: Signals,
        command: Command | None,
        limits: StopLimits,
        finder: Finder | None,
        keys: Keys | None,
        on_tick: Callable[[], None] | None,
        tell: Callable[[str], None],
    ) -> None:
        self._session = session
        self._signals = signals
        self._command = command
        self._passing = None if command is None else _Passing(command)
        self._limits = limits
        self._finder = finder
        self._keys = keys
        self._on_tick = on_tick
        self._tell = tell
        self._begun = self._last_packet = self._tidied = time.monotonic()
        self._command_ended: float | None = None
        self._disk_told = False
        self._sources: dict[int, Source] = {}
        self._poll = select.poll()

    def run(self) -> Ending:
        poll = self._poll
        self._register()
        for other in (
            self._signals,
            self._session.attribution,
            self._session.keys,
            self._command,
            self._finder,
            self._keys,
        ):
            if other is not None:
                poll.register(other, select.POLLIN)
        next_tick = self._begun + TICK
        while True:
            now = time.monotonic()
            wait = max(0.0, min(next_tick, self._deadline()) - now) * 1000 + 1
            events = poll.poll(0 if self._session.is_behind else wait)
            ending = self._look([descriptor for descriptor, _ in events])
            now = time.monotonic()
            if now >= next_tick:
                next_tick = now + TICK
                if self._on_tick is not None:
                    self._on_tick()
                self._tidy(now)
            ending = ending or self._over(now)
            if ending is not None:
                return ending

    def _tidy(self, now: float) -> None:
        """Keep no memory that nobody uses, where there is time for it.

        Python looks through old objects for cycles when a quarter of them is new: of connections
        that are over ever more would wait for that.
        """
        if now >= self._tidied + TIDY and not self._session.is_behind:
            self._tidied = now
            gc.collect()
            return_freed()

    def _register(self) -> None:
        """Listen to the sources that have an interface, old and new."""
        for source in self._session.sources:
            if source.state in ("running", "down") and source.fileno() not in self._sources:
                self._sources[source.fileno()] = source
                self._poll.register(source, select.POLLIN)
                self._session.bound(source)

    def _deadline(self) -> float:
        """When something has to be decided at the latest."""
        times = [float("inf")]
        if self._limits.duration is not None:
            times.append(self._begun + self._limits.duration)
        if self._command_ended is not None:
            times.append(max(self._last_packet, self._command_ended) + QUIET)
        return min(times)

    def _look(self, ready: Sequence[int]) -> Ending | None:
        """Whatever has happened; what ends the capture at once."""
        session = self._session
        sources = [self._sources[each] for each in ready if each in self._sources]
        for source in sources:
            self._read(source)
        if not sources:
            session.read_on()
        session.learn()
        if self._finder is not None and self._finder.fileno() in ready:
            self._finder.look()
            self._register()
        command = self._command
        if command is not None and self._command_ended is None and command.poll() is not None:
            self._command_ended = time.monotonic()
            self._poll.unregister(command)
        if self._keys is not None and self._keys.fileno() in ready and self._keys.read():
            return Ending("asked", "ended with q")
        return self._signal()

    def _read(self, source: Source) -> None:
        if self._session.take(source):
            self._last_packet = time.monotonic()
        elif source.state in ("gone", "stopped"):
            # In error for good: it would be ready for ever.
            self._poll.unregister(source)
            del self._sources[source.fileno()]
            self._tell(f"the interface {source.interface} was removed")

    def _signal(self) -> Ending | None:
        caught = self._signals.read()
        if caught is None:
            return None
        if self._passing is not None and self._command_ended is None:
            self._passing.on(caught)
            return None
        return Ending("signal", f"ended by {caught.name}")

    def _over(self, now: float) -> Ending | None:
        """Whether a limit is reached."""
        limits, session = self._limits, self._session
        if limits.duration is not None and now >= self._begun + limits.duration:
            return Ending("duration", f"ended after {limits.duration:g} s")
        if limits.size is not None and session.bytes >= limits.size:
            return Ending("max-size", f"ended at the size limit of {limits.size} bytes")
        files = session.files
        if files is not None and files.failed is not None and not self._disk_told:
            self._disk_told = True
            said = f"the capture file cannot be written any further: {files.failed.strerror}"
            if self._command is None:
                return Ending("disk", said)
            self._tell(f"{said}; watching goes on for the report")
        command, ended = self._command, self._command_ended
        if command is not None and ended is not None:
            quiet = now >= max(self._last_packet, ended) + QUIET
            if quiet or now >= ended + LINGER:
                return Ending("command", f"{command.argv[0]} ended with status {command.status}")
        if self._sources or self._command is not None or self._finder is not None:
            return None
        names = ", ".join(str(source.interface) for source in session.sources)
        return Ending("interface-gone", f"ended because {names} was removed")
