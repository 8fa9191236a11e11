"""A source that gives the packets of a file, as a ring would: for sessions without a kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inspector.pcap.reader import open_captures
from inspector.wire import Batch


@dataclass(frozen=True)
class Counters:
    received: int = 0
    dropped: int = 0
    freezes: int = 0


@dataclass(frozen=True)
class Filter:
    text: str


class FileSource:
    """Gives `at_once` packets a read; readable as long as there are any."""

    def __init__(
        self, path: Path, *, interface: str = "fw-bridge", at_once: int = 7, dropped: int = 0
    ) -> None:
        (reader,) = open_captures([path])
        self.waiting = [
            Batch(batch.data, batch.records[at : at + at_once], batch.link_type, 1)
            for batch in reader
            for at in range(0, len(batch.records), at_once)
        ]
        self._total = sum(len(batch.records) for batch in self.waiting)
        self._dropped = dropped
        self.interface: str | None = interface
        self.link_type = self.waiting[0].link_type
        self.filter: Filter | None = None
        self.state: Literal["waiting", "running", "down", "gone", "stopped"] = "running"
        self.delivered = 0
        self.downs = 0
        self.is_filling = False
        #: Whether its interface goes away once all is read.
        self.gone = False
        self._readable, self._end = os.pipe()
        os.write(self._end, b".")

    def fileno(self) -> int:
        return self._readable

    def read(self) -> Sequence[Batch]:
        if not self.waiting:
            if self.state == "running":
                os.read(self._readable, 1)
                self.state = "gone" if self.gone else "down"
            return []
        batch = self.waiting.pop(0)
        self.delivered += len(batch.records)
        return [batch]

    def drain(self) -> Iterator[Batch]:
        while self.waiting:
            yield from self.read()
        self.state = "stopped"

    def statistics(self) -> Counters:
        return Counters(self._total + self._dropped, self._dropped)

    def close(self) -> None:
        if self._readable >= 0:
            os.close(self._readable)
            os.close(self._end)
            self._readable = -1
