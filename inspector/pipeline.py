"""One decode and one reassembly, several readers of what they deliver.

`Pipeline` drives a packet engine: it gives each delivery to every reader of its
stream, asks each how much it wants, and tells the engine the least that serves
all.  So each reader of a stream sees what it would see alone, but for bytes that
it need not have been shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Protocol

from inspector.flows.contract import (
    BATCH,
    Closed,
    ConnectionView,
    Cut,
    Delivery,
    End,
    Engine,
    Gap,
    LeftOut,
    Opened,
    Opening,
    Run,
    Skipped,
)
from inspector.wire import Batch, Segment


class StreamReader(Protocol):
    """What reads the two byte streams of one connection.

    `data`, `skipped` and `gap` answer how many further bytes of that direction
    need not be shown (0: show them as they come; `BATCH`: show them, many
    segments at a time).
    """

    def data(self, up: bool, segments: Sequence[Segment]) -> int:
        """The next bytes of a direction, in order."""

    def skipped(self, up: bool, count: int, at: int, packet: int) -> int:
        """`count` bytes passed unseen because the reader asked for it."""

    def gap(self, up: bool, count: int, at: int, packet: int) -> int:
        """`count` bytes were on the wire and are not in the capture."""

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> int | None:
        """`count` bytes were cut away on purpose, see `wire.COUNTED_CUTS`; `kept` is the number.

        None: this reader cannot do without them.
        """

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended with FIN; all its bytes have been given."""

    def finish(self, at: int, packet: int) -> None:
        """Nothing more of this connection will be seen (end, reset, or end of capture)."""

    def failed(self, error: Exception, packet: int) -> int:
        """A method above raised: give up this connection, and say so.

        A reader that masks takes everything for secret from here on.  The answer is
        that of `data`, and the reader may still be called.
        """


class Consumer(Protocol):
    """Whoever makes the readers and decides which connections have any."""

    def is_in_scope(self, source: bytes, destination: bytes, sport: int, dport: int) -> bool:
        """Whether a connection between these ends is looked at; `Pipeline.forget` may be called."""

    def left_out(self, source: bytes, destination: bytes, sport: int, dport: int) -> None:
        """A connection out of scope carries its first data, or had when it was forgotten."""

    def open(self, view: ConnectionView) -> Sequence[StreamReader]:
        """A connection begins: its readers, at least one."""

    def close(self, view: ConnectionView) -> None:
        """Nothing more of a connection is expected; its readers know already."""


class Pipeline:
    """Feeds the readers of a capture's connections."""

    def __init__(self, engine: Engine, consumer: Consumer) -> None:
        self._engine = engine
        self._consumer = consumer
        self._streams: dict[int, _Stream] = {}

    def feed(self, batch: Batch) -> None:
        """Take the packets of one batch."""
        self._read(self._engine.feed(batch))

    def flush(self) -> None:
        """Give readers what is held for a batch (a live capture's tick)."""
        self._read(self._engine.flush())

    def finish(self) -> None:
        """The capture is over."""
        self._read(self._engine.finish())

    def forget(self) -> None:
        """Drop every connection and its readers: the scope has become narrower."""
        self._streams.clear()
        for left in self._engine.forget():
            self._consumer.left_out(left.source, left.destination, left.sport, left.dport)

    def _read(self, deliveries: Iterable[Delivery]) -> None:
        streams, want = self._streams, self._engine.want
        for delivery in deliveries:
            if type(delivery) is Run:
                stream, up, segments = delivery.stream, delivery.up, delivery.segments
                entry = streams[stream]
                try:
                    wanted = entry.reader.data(up, segments)
                except Exception as error:
                    wanted = fail(entry.reader, error, segments[0][1])
                if wanted or entry.batching[up]:
                    entry.batching[up] = wanted < 0
                    want(stream, up, wanted)
            elif type(delivery) is Skipped:
                stream, up = delivery.stream, delivery.up
                entry = streams[stream]
                try:
                    wanted = entry.reader.skipped(up, delivery.length, delivery.at, delivery.packet)
                except Exception as error:
                    wanted = fail(entry.reader, error, delivery.packet)
                entry.batching[up] = wanted < 0
                want(stream, up, wanted)
            else:
                self._rarely(delivery)

    def _rarely(self, delivery: Delivery) -> None:
        """Anything but bytes, seen or unseen."""
        wanted: int | None
        match delivery:
            case Opening(source, destination, sport, dport):
                if not self._consumer.is_in_scope(source, destination, sport, dport):
                    self._engine.refuse()
                return
            case LeftOut(source, destination, sport, dport):
                self._consumer.left_out(source, destination, sport, dport)
                return
            case Opened(stream, view):
                self._streams[stream] = _Stream(view, self._consumer.open(view))
                return
            case Closed(stream, at, packet):
                entry = self._streams.pop(stream)
                try:
                    entry.reader.finish(at, packet)
                except Exception as error:
                    fail(entry.reader, error, packet)
                self._consumer.close(entry.view)
                return
            case Run() | Skipped():  # `_read` does these itself
                return
        reader = self._streams[delivery.stream].reader
        try:
            wanted = _tell(reader, delivery)
        except Exception as error:
            wanted = fail(reader, error, delivery.packet)
        if isinstance(delivery, End):
            return
        if wanted is None:
            self._engine.lost()
        else:
            self._streams[delivery.stream].batching[delivery.up] = wanted < 0
            self._engine.want(delivery.stream, delivery.up, wanted)


class _Stream:
    """A connection that is read, and whether batches were asked for: [down, up]."""

    __slots__ = ("batching", "reader", "view")

    def __init__(self, view: ConnectionView, readers: Sequence[StreamReader]) -> None:
        self.view = view
        self.reader = readers[0] if len(readers) == 1 else Together(readers)
        self.batching = [False, False]


def _tell(reader: StreamReader, delivery: Skipped | Gap | Cut | End) -> int | None:
    """Call the reader's method; what it wants then."""
    match delivery:
        case Skipped(_, up, length, at, packet):
            return reader.skipped(up, length, at, packet)
        case Gap(_, up, length, at, packet):
            return reader.gap(up, length, at, packet)
        case Cut(_, up, kept, length, at, packet):
            return reader.cut(up, kept, length, at, packet)
        case End(_, up, at, packet):
            reader.end(up, at, packet)
            return None


def fail(reader: StreamReader, error: Exception, packet: int) -> int:
    """A bug must not cost the person at 2 a.m. the other connections: log it, and go on.

    The answer is that of the reader's `failed`.
    """
    log_failure(error)
    return reader.failed(error, packet)


def log_failure(error: Exception) -> None:
    """Neither the error's text nor the frames' values are logged: they may quote a key."""
    import logging
    import traceback

    frame = traceback.extract_tb(error.__traceback__)[-1]
    name = type(error).__name__
    logging.getLogger("inspector").error(
        "a reader failed on one connection with %s in %s (%s:%s); it is a bug",
        name, frame.name, PurePath(frame.filename).name, frame.lineno,
    )  # fmt: skip


class Together:
    """Several readers of one connection as one: it wants the least that serves all.

    Each is told what it would be told alone, but for bytes that may be shown to it in
    other pieces; one that fails fails alone.
    """

    __slots__ = ("_seats",)

    def __init__(self, readers: Sequence[StreamReader]) -> None:
        self._seats = [_Seat(reader) for reader in readers]

    def data(self, up: bool, segments: Sequence[Segment]) -> int:
        """The next bytes; of a reader that wanted some unseen these pass unseen."""
        for seat in self._seats:
            try:
                seat.data(up, segments)
            except Exception as error:
                seat.wanted[up] = fail(seat.reader, error, segments[0][1])
        return self._least(up)

    def skipped(self, up: bool, count: int, at: int, packet: int) -> int:
        """Bytes passed that none of them wanted."""
        for seat in self._seats:
            seat.tell(Skipped(0, up, count, at, packet))
        return self._least(up)

    def gap(self, up: bool, count: int, at: int, packet: int) -> int:
        """Bytes are missing."""
        for seat in self._seats:
            seat.tell(Gap(0, up, count, at, packet))
        return self._least(up)

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> int | None:
        """Bytes were cut away; for whoever alone cannot do without them they are a gap."""
        cut = Cut(0, up, kept, count, at, packet)
        lacking = [seat for seat in self._seats if seat.tell(cut) is None]
        if len(lacking) == len(self._seats):
            return None
        for seat in lacking:
            seat.tell(Gap(0, up, count, at, packet))
        return self._least(up)

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended."""
        for seat in self._seats:
            seat.tell(End(0, up, at, packet))

    def finish(self, at: int, packet: int) -> None:
        """Nothing more will be seen."""
        for seat in self._seats:
            try:
                seat.reader.finish(at, packet)
            except Exception as error:
                fail(seat.reader, error, packet)

    def failed(self, error: Exception, packet: int) -> int:
        """What failed was none of them, so that no one knows what it missed."""
        for seat in self._seats:
            seat.reader.failed(error, packet)
        return 0

    def _least(self, up: bool) -> int:
        wanted = [seat.wanted[up] for seat in self._seats]
        if 0 in wanted:
            return 0
        return BATCH if BATCH in wanted else min(wanted)


class _Seat:
    """One reader of several, and what may still pass it unseen: [down, up]."""

    __slots__ = ("reader", "wanted")

    def __init__(self, reader: StreamReader) -> None:
        self.reader = reader
        self.wanted = [0, 0]

    def data(self, up: bool, segments: Sequence[Segment]) -> None:
        """Bytes that another reader had to be shown."""
        reader = self.reader
        for index, (at, packet, data) in enumerate(segments):
            unseen = min(self.wanted[up], len(data))
            if unseen <= 0:
                self.wanted[up] = reader.data(up, segments[index:])
                return
            self.wanted[up] = reader.skipped(up, unseen, at, packet)
            if unseen < len(data):
                rest = (at, packet, data[unseen:])
                self.wanted[up] = reader.data(up, [rest, *segments[index + 1 :]])
                return

    def tell(self, delivery: Skipped | Gap | Cut | End) -> int | None:
        """Call the reader's method; what it wants then."""
        try:
            wanted = _tell(self.reader, delivery)
        except Exception as error:
            wanted = fail(self.reader, error, delivery.packet)
        if wanted is not None:
            self.wanted[delivery.up] = wanted
        return wanted
