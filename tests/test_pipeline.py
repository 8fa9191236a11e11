"""Several readers of one stream: each sees what it would see alone, and fails alone."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from inspector.flows.contract import BATCH, IN_PLACE, ConnectionView
from inspector.flows.engine import PacketEngine
from inspector.pipeline import Pipeline, StreamReader
from inspector.wire import Segment
from tests.flows.build import Recorder, Tcp, Wants, Wire, everything

SECRET = "key-made-up-for-this-test"


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """What the inspector logs, whatever a command before has done to its logger."""
    records: list[logging.LogRecord] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logger, keeper = logging.getLogger("inspector"), Keeper()
    logger.addHandler(keeper)
    yield records
    logger.removeHandler(keeper)


class Audience:
    """Makes readers for every connection: `makers` one each."""

    def __init__(self, *makers: Callable[[ConnectionView], StreamReader]) -> None:
        self._makers = makers
        self.readers: list[list[StreamReader]] = []
        self.engine = PacketEngine()
        self.pipeline = Pipeline(self.engine, self)

    def is_in_scope(self, source: bytes, destination: bytes, sport: int, dport: int) -> bool:
        return True

    def left_out(self, source: bytes, destination: bytes, sport: int, dport: int) -> None:
        raise AssertionError("everything is in scope")

    def open(self, view: ConnectionView) -> Sequence[StreamReader]:
        self.readers.append([make(view) for make in self._makers])
        return self.readers[-1]

    def close(self, view: ConnectionView) -> None:
        pass

    def hear(self, wire: Wire, *, counted_cuts: bool = False) -> Audience:
        self.pipeline.feed(replace(wire.batch(), counted_cuts=counted_cuts))
        self.pipeline.finish()
        return self


def wanting(wants: Wants) -> Callable[[ConnectionView], Recorder]:
    return lambda view: Recorder(view, wants)


def heard(wire: Wire, *wants: Wants) -> list[Recorder]:
    """What readers that want so much saw of the only connection."""
    [readers] = Audience(*map(wanting, wants)).hear(wire).readers
    return [reader for reader in readers if isinstance(reader, Recorder)]


def known(reader: Recorder, up: bool) -> list[bytes | int | None]:
    """Bytes seen, gaps and the end, each byte that passed unseen as a question mark."""
    flat: list[bytes | int | None] = []
    for piece in reader.stream[up]:
        if isinstance(piece, bytes):
            flat += [bytes([byte]) for byte in piece]
        elif piece is not None and piece < 0:
            flat += [b"?"] * -piece
        else:
            flat.append(piece)
    return flat


def talk(chance: random.Random) -> Wire:
    """A connection with segments of any size, some twice, some lost."""
    tcp = Tcp().open()
    for up in chance.choices((True, False), k=30):
        data = bytes(chance.choices(b"abcdefgh", k=chance.randint(1, 40)))
        lost = chance.randint(1, 9) if chance.random() < 0.2 else 0
        tcp.send(up, data, tcp.sent[up] + lost)
        if chance.random() < 0.1:
            tcp.again()
    return tcp.close().wire


def whim(seed: int) -> Wants:
    """A reader that never wants the same: so many bytes unseen, batches, or all."""
    chance = random.Random(seed)
    return lambda up, position: chance.choice((0, 0, BATCH, IN_PLACE, 3, 25, 200))


@pytest.mark.parametrize("seed", range(40))
def test_each_of_several_readers_sees_the_bytes_gaps_and_ends_that_one_alone_sees(
    seed: int,
) -> None:
    wire = talk(random.Random(seed))
    [alone] = heard(wire, everything)
    together = heard(wire, everything, whim(seed), whim(-seed), lambda *_: BATCH)
    for reader in together:
        assert [call[0] for call in reader.calls][-1] == "finish"
        for up in (True, False):
            seen, truth = known(reader, up), known(alone, up)
            assert len(seen) == len(truth)
            assert all(one in (other, b"?") for one, other in zip(seen, truth, strict=True))
    for up in (True, False):
        assert known(together[0], up) == known(together[3], up) == known(alone, up)


def test_of_several_readers_none_is_shown_what_all_let_pass() -> None:
    wire = Tcp().open().up(b"0123456789").up(b"abcdefghij").up(b"end").wire
    one, other = heard(wire, lambda up, at: max(0, 20 - at), lambda up, at: max(0, 15 - at))
    assert one.stream[True] == [b"0123456789", -5, -5, b"end"]
    assert other.stream[True] == [b"0123456789", -5, b"fghij", b"end"]


class Failing(Recorder):
    """Raises once at `step`, with captured bytes in its text."""

    def __init__(self, view: ConnectionView, step: str, calls_before: int = 0) -> None:
        super().__init__(view)
        self._left = calls_before
        self.errors: list[Exception] = []
        setattr(self, step, self._fail)

    def _fail(self, *told: object) -> int:
        raise ValueError(f"cannot read {SECRET} in {told!r}")

    def failed(self, error: Exception, packet: int) -> int:
        self.errors.append(error)
        return 1 << 40


@pytest.mark.parametrize("step", ["data", "gap", "skipped", "cut", "end", "finish"])
@pytest.mark.parametrize("readers", [1, 2])
def test_a_failing_reader_is_told_and_costs_neither_connections_nor_other_readers(
    step: str, readers: int, logged: list[logging.LogRecord]
) -> None:
    wire = Wire()
    for port in (40001, 40002):
        tcp = Tcp(wire, client=("172.30.0.20", port)).open().up(SECRET.encode())
        tcp.up(b"cut", snap=1).up(b"more").ack(False).up(b"beyond", 60).ack(False).close()
    made: list[Recorder] = []

    def first(view: ConnectionView) -> Recorder:
        is_broken = not made
        made.append(Failing(view, step) if is_broken else Recorder(view))
        if step == "skipped" and is_broken:
            made[0]._wants = lambda *_: 5
        return made[-1]

    audience = Audience(first, *[wanting(lambda *_: 7)][: readers - 1])
    audience.hear(wire, counted_cuts=step == "cut")

    broken = made[0]
    assert isinstance(broken, Failing)
    assert [type(error) for error in broken.errors] == [ValueError] * len(broken.errors)
    assert broken.errors
    whole = [reader for group in audience.readers for reader in group if reader is not broken]
    assert all(isinstance(reader, Recorder) for reader in whole)
    assert all(reader.calls[-1][0] == "finish" for reader in whole)  # type: ignore[attr-defined]
    texts = [record.getMessage() for record in logged]
    assert "failed on one connection with ValueError in _fail (test_pipeline.py:" in texts[0]
    assert SECRET not in repr(texts)


def test_a_cut_that_one_reader_can_do_without_is_a_gap_for_the_other_alone() -> None:
    class Patient(Recorder):
        def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> int | None:
            return self._add("cut", up, -count, count, packet)

    wire = Tcp().open().up(b"hello ").up(b"records", snap=2).up(b"end").wire
    audience = Audience(Patient, Recorder).hear(wire, counted_cuts=True)
    [[patient, other]] = audience.readers
    assert isinstance(patient, Recorder)
    assert isinstance(other, Recorder)
    assert patient.stream[True] == [b"hello ", -7, b"end"]
    assert other.stream[True] == [b"hello ", 7, b"end"]

    audience = Audience(Recorder, Recorder).hear(wire, counted_cuts=True)
    [[one, _]] = audience.readers
    assert isinstance(one, Recorder)
    assert one.stream[True] == [b"hello ", b"re", 5, b"end"]


def test_what_is_logged_of_a_failure_is_where_it_was_and_no_value(
    logged: list[logging.LogRecord],
) -> None:
    class Broken(Recorder):
        def data(self, up: bool, segments: Sequence[Segment]) -> int:
            return int(SECRET)

        def failed(self, error: Exception, packet: int) -> int:
            return 0

    Audience(Broken).hear(Tcp().open().up(b"x").wire)
    [record] = logged
    assert record.exc_info is None
    assert "ValueError in data" in record.getMessage()
    assert SECRET not in record.getMessage()
