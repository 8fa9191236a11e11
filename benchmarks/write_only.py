"""The live capture's own ring and file writer with nothing between: `INTERFACE FILE`.

What writing alone costs, beside `inspector capture`, which also reads what it
writes.  Ends on SIGINT with all that was received.
"""

from __future__ import annotations

import select
import signal
import sys
from ipaddress import ip_network
from pathlib import Path

from inspector.linux.filters import ClassicFilter
from inspector.linux.ring import Ring
from inspector.live.files import CaptureFiles, Described
from inspector.native.library import loaded


def main(interface: str, path: str) -> None:
    """Write until told to end; statistics go into the file."""
    filter = ClassicFilter.for_subnets([ip_network("172.30.0.0/24")])
    loaded()  # the compiled core, as in a capture
    wake, told = _interruption()
    with Ring.open(interface, filter=filter) as ring:
        files = CaptureFiles(Path(path), lambda index: ring.statistics())
        files.add_interface(
            Described(interface, ring.link_type, snap_length=262_144, filter=filter.text)
        )
        poll = select.poll()
        poll.register(ring, select.POLLIN)
        poll.register(wake, select.POLLIN)
        print("ready", file=sys.stderr, flush=True)
        while not told:
            poll.poll()
            for batch in ring.read():
                files.write(batch, 0)
        for batch in ring.drain():
            files.write(batch, 0)
        files.close()


def _interruption() -> tuple[int, list[int]]:
    """A descriptor that SIGINT makes readable, and the list it is noted in."""
    import os

    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    told: list[int] = []
    signal.set_wakeup_fd(writable)
    signal.signal(signal.SIGINT, lambda number, frame: told.append(number))
    return readable, told


if __name__ == "__main__":
    main(*sys.argv[1:])
