"""What came behind a request that may end HTTP, while nobody knew whether it does."""

from __future__ import annotations

from typing import Protocol

from inspector.fact import Fact
from inspector.protocols.messages import Event
from inspector.wire import Segment


class _Lost(Fact):
    missing: int
    at: int
    packet: int


class _Closed(Fact):
    at: int
    packet: int
    clean: bool


class _Parser(Protocol):
    """Takes what came, in order (`http1.Http1Parser`)."""

    def receive(self, segments: list[Segment]) -> list[Event]: ...

    def gap(self, n: int, at: int, packet: int) -> list[Event]: ...

    def close(self, at: int, packet: int, *, clean: bool = True) -> list[Event]: ...


class Behind:
    """Segments in `items`, and the gaps and the close between and behind them."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: list[Segment | _Lost | _Closed] = []

    def gap(self, missing: int, at: int, packet: int) -> None:
        """Bytes that were not captured."""
        self.items.append(_Lost(missing, at, packet))

    def close(self, at: int, packet: int, *, clean: bool) -> None:
        """The stream ended."""
        self.items.append(_Closed(at, packet, clean))

    def told_to(self, parser: _Parser) -> list[Event]:
        """It was HTTP: the events of all this."""
        events: list[Event] = []
        for item in self.items:
            if isinstance(item, _Lost):
                events += parser.gap(item.missing, item.at, item.packet)
            elif isinstance(item, _Closed):
                events += parser.close(item.at, item.packet, clean=item.clean)
            else:
                events += parser.receive([item])
        return events

    @property
    def first_segments(self) -> list[Segment]:
        """The segments up to the first gap."""
        first: list[Segment] = []
        for item in self.items:
            if isinstance(item, _Lost | _Closed):
                break
            first.append(item)
        return first
