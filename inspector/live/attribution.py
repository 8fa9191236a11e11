"""Claims from the programs in the kernel, and what these programs say of themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from inspector.exchanges.processes import SocketOwner
from inspector.linux.ebpf.attribution import Attribution, ConnectionEnd
from inspector.model.live import HookCount

#: Seconds after which the engine is asked again for a container that it did not know.
_PATIENCE: Final = 1.0


class ContainerNames:
    """Names of containers by id, asked for when a new one turns up."""

    def __init__(self, ask: Callable[[str], str | None]) -> None:
        self._ask = ask
        self._names: dict[str, str] = {}
        #: When was asked for those that are not known.
        self._asked: dict[str, float] = {}

    def __call__(self, identity: str) -> str | None:
        name = self._names.get(identity)
        if name is not None:
            return name
        now = time.monotonic()
        if now < self._asked.get(identity, float("-inf")) + _PATIENCE:
            return None
        self._asked[identity] = now
        name = self._ask(identity)
        if name is not None:
            self._names[identity] = name
        return name


class KernelAttribution:
    """The session's attribution (`session.Attribution`), from eBPF."""

    def __init__(self, programs: Attribution) -> None:
        self._programs = programs

    def fileno(self) -> int:
        return self._programs.fileno()

    def read(self) -> Sequence[SocketOwner]:
        """The claims made since the last call."""
        return list(claims(self._programs.poll()))

    def finish(self) -> Sequence[SocketOwner]:
        """What is still to be said, now that the capture is over."""
        return list(claims(self._programs.finish()))

    def probes(self, established: int) -> Sequence[HookCount]:
        """The hooks, how often each fired, and what was lost on the way."""
        counted = self._programs.statistics()
        silent = (
            f"it never fired, though {established} connections were established: this kernel does"
            " not run it, or they are none of this machine's; processes are not known"
        )
        hooks = [
            HookCount(hook, hits, note=silent if established and not hits else None)
            for hook, hits in counted.hits.items()
        ]
        lost = counted.lost_events + counted.map_full + counted.given_up
        note = f"{lost} connection ends have no process for it" if lost else None
        return [*hooks, HookCount("events", sum(counted.hits.values()), lost, note)]

    def close(self) -> None:
        self._programs.close()


def claims(ends: Iterable[ConnectionEnd]) -> Iterator[SocketOwner]:
    """Ends of connections as claims; of one that was open before, for either direction.

    Only the claim whose direction is that of the connection is ever used.
    """
    for end in ends:
        if end.process is None:
            continue
        if end.side != "server":
            yield SocketOwner(end.local, end.remote, "client", end.at, end.process)
        if end.side != "client":
            yield SocketOwner(end.remote, end.local, "server", end.at, end.process)
