"""How many calls a packet costs, and how many facts an exchange: `make bench-calls`.

    python -m benchmarks.calls

The analysis, alone and with a redacted copy of the same parse, from decoded records on, over
conversations made for it.  Counted with
sys.setprofile, so that the figures are the same on every machine: a call is a Python function
of the inspector that is entered, or a generator that is resumed.  Calls of functions in C are
counted apart.  A packet is one of many of its kind in one batch.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final, NamedTuple

from benchmarks import content
from benchmarks.wire import Conversation, Host, Rendered
from inspector.inspection import Inspector
from inspector.options import Options
from inspector.redaction import Redactor
from inspector.wire import Batch

#: Connections that say the same, and packets of each where several count.
CONNECTIONS: Final = 50
PACKETS: Final = 100
#: A pcap record's own header, in front of the frame.
_RECORD: Final = 16
_PACKAGE: Final = "/inspector/"


class Cost(NamedTuple):
    """Calls a packet: of Python functions, and of functions in C."""

    python: float
    native: float


class Talks:
    """Conversations side by side; each step is one batch of their packets.

    `copied`: a redacted copy is made while they are read.
    """

    def __init__(self, *, copied: bool = False) -> None:
        rng = random.Random(7)
        self._out: list[Rendered] = []
        self._first = 1
        self._rng = rng
        server = Host.at("172.30.0.30"), 10001
        self._all = [
            Conversation(self._out, ((Host.at("172.30.0.20"), 40000 + number), server), 0, rng)
            for number in range(CONNECTIONS)
        ]
        redactor = Redactor() if copied else None
        self.inspector = Inspector(Options(), audience=redactor)
        if redactor is not None:
            redactor.follow(self.inspector)
        self._redactor = redactor
        for one in self._all:
            one.open()
        self._feed(self._batch())

    def say(self, up: bool, segments: Sequence[bytes]) -> Cost:
        """The cost of each packet when every conversation sends these."""
        for one in self._all:
            one.send(up, segments, ack_every=0)
        batch = self._batch()
        return _counted(lambda: self._feed(batch), len(batch.records))

    def _feed(self, batch: Batch) -> None:
        if self._redactor is None:
            self.inspector.feed(batch)
            return
        for _ in self._redactor.feed(batch):
            pass

    def close(self) -> tuple[Counter[str], int]:
        """How many facts of each kind the end of the capture builds, and of how many exchanges."""
        for one in self._all:
            one.close()
        built: Counter[str] = Counter()

        def note(frame: FrameType, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_name == "__init__":
                kind = type(frame.f_locals.get("self"))
                if kind.__module__.startswith("inspector.model"):
                    built[kind.__name__] += 1

        batch = self._batch()
        sys.setprofile(note)
        try:
            self._feed(batch)
            report = self.inspector.finish()
        finally:
            sys.setprofile(None)
        return built, len(report.exchanges)

    def _batch(self) -> Batch:
        data = b"".join(record for _, record in self._out)
        records = []
        at = 0
        for when, record in self._out:
            size = len(record) - _RECORD
            records.append((when * 1000, at + _RECORD, size, size))
            at += len(record)
        self._out.clear()
        first, self._first = self._first, self._first + len(records)
        return Batch(data, records, 1, first)


def _counted(action: Callable[[], object], packets: int) -> Cost:
    python = native = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal python, native
        if event == "call" and _PACKAGE in frame.f_code.co_filename:
            python += 1
        elif event == "c_call" and _PACKAGE in frame.f_code.co_filename:
            native += 1

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return Cost(python / packets, native / packets)


def measure(*, copied: bool = False) -> tuple[dict[str, Cost], Counter[str], int]:
    """What each kind of packet costs, and the facts built of how many exchanges."""
    rng = random.Random(7)
    auth = content.AUTH_HEADERS[0]
    costs = {}
    talks = Talks(copied=copied)
    body = 1000 * PACKETS
    request = content.request(body, auth, rng)
    split = request.index(b"\r\n\r\n") + 4
    head, rest = request[:split], request[split:]
    pieces = [rest[at : at + 1000] for at in range(0, len(rest), 1000)]
    costs["request head, first of its connection"] = talks.say(True, [head])
    costs["body packet of a request"] = talks.say(True, pieces)
    costs["response head, event stream"] = talks.say(False, [content.STREAM_HEAD])
    deltas = [*content.STREAM_START, *content.deltas(PACKETS, rng)]
    costs["event stream packet, in batches"] = talks.say(False, deltas)
    talks.say(False, [*content.STREAM_END, content.LAST_CHUNK])
    talks.inspector.flush()
    costs["request head, a later one"] = talks.say(True, [head])
    talks.say(True, pieces)
    talks.say(False, [content.whole_response("200 OK", content.answer(400, rng))])
    built, exchanges = talks.close()
    return costs, built, exchanges


def main() -> None:
    """The command: see the module's text."""
    costs, built, exchanges = measure()
    copied, _, _ = measure(copied=True)
    print(f"{'calls a packet':42}{'Python':>9}{'C':>9}{'with a copy':>18}{'':>9}")
    for name, cost in costs.items():
        both = copied[name]
        print(f"{name:42}{cost.python:9.1f}{cost.native:9.1f}{both.python:18.1f}{both.native:9.1f}")
    print(f"\n{'facts built at the end, an exchange':42}{'':9}{'':9}")
    for name, count in built.most_common():
        print(f"{name:42}{count / exchanges:9.2f}")


if __name__ == "__main__":
    main()
