"""The processes of connection ends as the session wants them: claims, and how the probes did."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.capture.ebpf.attribution import Attribution, ConnectionEnd
from inspector.exchanges.processes import Claim
from inspector.recording import Probe

_SILENT = "it never fired: nobody opened or used a TCP connection, or this kernel has another hook"


class KernelAttribution:
    """`session.Attribution`, from the programs in the kernel."""

    def __init__(self, kernel: Attribution) -> None:
        self._kernel = kernel

    def fileno(self) -> int:
        """Readable when there are claims."""
        return self._kernel.fileno()

    def read(self) -> Sequence[Claim]:
        """The claims made since the last call."""
        return [claim for end in self._kernel.poll() for claim in claims(end)]

    def finish(self) -> Sequence[Claim]:
        """The rest: accepted connections that nobody touched are their listener's."""
        return [claim for end in self._kernel.finish() for claim in claims(end)]

    def probes(self) -> Sequence[Probe]:
        """The hooks, and how often each fired."""
        statistics = self._kernel.statistics()
        return [
            Probe(hook, hits, statistics.lost_events, None if hits else _SILENT)
            for hook, hits in statistics.hits.items()
        ]

    def close(self) -> None:
        """Take the programs out of the kernel."""
        self._kernel.close()


def claims(end: ConnectionEnd) -> list[Claim]:
    """What an end says of its connection.

    Of one that was open before, nobody saw who opened it: both readings are
    claimed, and the packets decide which of them has a connection.
    """
    if end.process is None:
        return []
    found = []
    if end.side in ("client", "unknown"):
        found.append(Claim(end.local, end.remote, "client", end.at, end.process))
    if end.side in ("server", "unknown"):
        found.append(Claim(end.remote, end.local, "server", end.at, end.process))
    return found
