"""What was received and is not read yet: memory behind a ring that fills.

Packets may come faster than they are read.  A ring has room for so many bytes, and for so many
blocks that were handed over before they were full; what finds none is lost.  Once a quarter of it
is taken it is emptied into memory between two batches, up to `SPILL`.  When half of that is taken,
too, the copy gives way (`Session`): to read for the report alone takes half as long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from inspector.live.source import Source
from inspector.wire import Batch

#: Bytes of packets that wait in memory to be read, beyond those in the rings; what comes beyond
#: them and finds the rings full is dropped.  From half of them on connections are blank in the
#: copy, so that the report keeps up.
SPILL: Final = 256 << 20


class Backlog:
    """Batches that wait, in the order in which they were received, of any number of sources."""

    def __init__(self, room: int = SPILL) -> None:
        self._waiting: deque[tuple[Source, Batch]] = deque()
        self._room = room
        #: How many bytes wait, and the most that ever did.
        self.bytes = self.most = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def is_long(self) -> bool:
        """Whether more waits than reading as it is done will catch up with."""
        return self.bytes > self._room // 2

    def receive(self, source: Source) -> bool:
        """Take what a source has, if nothing waits or its own room runs out.

        Whether it may have anything: False is said of one that was asked, and had nothing.
        """
        if self._waiting and (self.bytes >= self._room or not source.is_filling):
            return True
        is_more = self.add(source, source.read())
        while source.is_filling and self.bytes < self._room and self.add(source, source.read()):
            pass
        return is_more

    def add(self, source: Source, batches: Iterable[Batch]) -> bool:
        """Some more, however much waits; whether there were any."""
        before = len(self._waiting)
        for batch in batches:
            self._waiting.append((source, batch))
            self.bytes += len(batch.data)
        self.most = max(self.most, self.bytes)
        return len(self._waiting) > before

    def next(self) -> tuple[Source, Batch] | None:
        """Whose turn it is to be read."""
        if not self._waiting:
            return None
        source, batch = self._waiting.popleft()
        self.bytes -= len(batch.data)
        return source, batch
