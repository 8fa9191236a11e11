"""Data beyond a hole: the first copy of a byte, in order, at a cost that does not grow."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from inspector.flows import reassembly, table
from inspector.flows.early import EarlyData
from tests.flows.build import CLIENT, MILLISECOND, Tcp, Trial, Wire, everything, trial
from tests.flows.steps import grows_linearly


def taken(early: EarlyData) -> list[tuple[int, bytes, int]]:
    pieces = []
    while early:
        piece = early.take()
        pieces.append((piece.start, piece.segment[2], piece.missing))
    return pieces


def hold(*segments: tuple[int, bytes, int]) -> EarlyData:
    early = EarlyData()
    for start, data, missing in segments:
        early.add(start, (0, 0, data), missing)
    return early


@pytest.mark.parametrize("seed", range(40))
def test_of_every_byte_the_first_copy_is_held(seed: int) -> None:
    chance = random.Random(seed)
    early, model = EarlyData(), dict[int, int]()
    for _ in range(60):
        start, length = chance.randrange(100), chance.randrange(1, 12)
        data = bytes(chance.randrange(2) for _ in range(length))
        known = {at: model[at] for at in range(start, start + length) if at in model}
        conflicts = any(data[at - start] != byte for at, byte in known.items())
        added, conflict = early.add(start, (0, 0, data), 0)
        assert (added, conflict) == (len(known) < length, conflicts)
        model |= {start + i: byte for i, byte in enumerate(data) if start + i not in model}
    assert early.size == len(model)

    found: dict[int, int] = {}
    last = -1
    for start, data, missing in taken(early):
        assert start > last
        assert not missing
        last = start + len(data) - 1
        found |= {start + i: byte for i, byte in enumerate(data)}
    assert found == model
    assert (early.size, early.memory) == (0, 0)


def test_what_was_cut_off_is_missing_up_to_the_next_piece() -> None:
    early = hold((10, b"ab", 8), (20, b"kl", 0), (14, b"ef", 0))
    assert taken(early) == [(10, b"ab", 2), (14, b"ef", 0), (20, b"kl", 0)]


def test_a_cut_copy_of_what_is_held_adds_nothing() -> None:
    early = hold((10, b"abcdef", 0))
    assert early.add(10, (0, 0, b"a"), 5) == (False, False)
    assert early.add(12, (0, 0, b""), 3) == (False, False)
    assert taken(early) == [(10, b"abcdef", 0)]


def test_of_a_cut_copy_only_what_reaches_further_is_missing() -> None:
    early = hold((10, b"abcdef", 0), (10, b"a", 9))
    assert taken(early) == [(10, b"abcdef", 0), (16, b"", 4)]


# -- growth ---------------------------------------------------------------------------


def fed(tcp: Tcp) -> Callable[[], object]:
    return lambda: Trial(everything).feed(tcp.wire).finish()


def reverse(count: int) -> Callable[[], object]:
    """Segments of one byte, the last first."""
    tcp = Tcp(step=MILLISECOND).open()
    for offset in range(count, 0, -1):
        tcp.up(b"x", offset - 1)
    return fed(tcp)


def one_lost(count: int) -> Callable[[], object]:
    """One byte lost in front of segments of one byte."""
    tcp = Tcp(step=MILLISECOND).open()
    for offset in range(1, count):
        tcp.up(b"x", offset)
    return fed(tcp)


def cut_and_one_lost(count: int) -> Callable[[], object]:
    """One segment lost of a direction whose bytes were all cut off."""
    tcp = Tcp(step=MILLISECOND).open()
    for offset in range(1, count):
        tcp.up(bytes(100), 100 * offset, snap=0)
    return fed(tcp)


def some_lost(count: int) -> Callable[[], object]:
    """One direction without the other's acknowledgements; every hundredth segment lost."""
    tcp = Tcp(step=MILLISECOND).syn()
    for number in range(1, count):
        if number % 100:
            tcp.up(bytes(50), 50 * number)
    return fed(tcp)


def alternating(count: int) -> Callable[[], object]:
    """Every other byte first, then those between."""
    tcp = Tcp(step=MILLISECOND).open()
    for start in (1, 0):
        for offset in range(start, count, 2):
            tcp.up(b"x", offset)
    return fed(tcp)


def copies(count: int) -> Callable[[], object]:
    """The same segment beyond a hole again and again."""
    tcp = Tcp(step=MILLISECOND).open()
    for _ in range(count):
        tcp.up(b"x", 5)
    return fed(tcp)


@pytest.mark.parametrize(
    "traffic", [reverse, one_lost, cut_and_one_lost, some_lost, alternating, copies]
)
def test_segments_out_of_order_cost_the_same_each(
    traffic: Callable[[int], Callable[[], object]],
) -> None:
    assert grows_linearly(traffic, 300)


def test_connections_beyond_the_limit_cost_the_same_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "OPEN_LIMIT", 100)

    def flood(count: int) -> Callable[[], object]:
        wire = Wire()
        for port in range(count):
            Tcp(wire, client=(CLIENT, 1024 + port)).syn()
        return lambda: Trial(everything).feed(wire).finish()

    assert grows_linearly(flood, 300)


# -- limits ---------------------------------------------------------------------------


def test_one_direction_holds_so_many_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "EARLY_SEGMENTS", 3)
    tcp = Tcp().open()
    for offset in range(2, 12, 2):
        tcp.up(b"x", offset)
    seen = trial(tcp)
    assert seen.oddities == {"early-data-limit": 1}
    assert list(seen.loop.notes.limits_hit) == ["out-of-order data"]
    assert [item.reason for item in seen.loop.notes.unread.facts()] == ["gap", "limit"]


def test_bytes_that_were_cut_off_count_as_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "EARLY_LIMIT", 250)
    tcp = Tcp().open()
    for number in range(1, 4):
        tcp.up(bytes(100), 100 * number, snap=0)
    assert trial(tcp).oddities == {"early-data-limit": 1}
