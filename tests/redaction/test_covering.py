"""Packets of one direction are masked as its track says, many at once, with both engines."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.native.functions import Core
from inspector.native.layout import Cover
from inspector.native.used import USED
from inspector.redaction.covering import CHANGED, NOWHERE, Packets, chain, cover
from inspector.redaction.track import CapturedBytes
from tests.flows.build import native_core

#: The number of the byte at offset 0, near where numbers begin anew.
FIRST = (1 << 32) - 40
RAW = b"GET /?key=LABONLY-1234567 HTTP/1.1\r\nHost: made-up.example\r\n\r\n"
OUT = RAW.replace(b"LABONLY-1234567", b"xxxxxxx82345671")
#: Offset and length of a packet, and whether it has other bytes than its direction.
PACKETS = st.lists(
    st.tuples(st.integers(-3, len(RAW)), st.integers(1, 20), st.booleans()), max_size=12
)


def laid(packets: list[tuple[int, int, bool]]) -> Packets:
    data, rows = bytearray(b"-"), array("q")
    padded = b"???" + RAW + b"?" * 40
    for offset, length, differs in packets:
        frame = padded[offset + 3 : offset + 3 + length]
        number = FIRST + offset & 0xFFFFFFFF
        rows.extend((-1, number, 0, len(data), len(data) + length, 0))
        data += frame.swapcase() if differs else frame
    return Packets(bytes(data), rows)


def engines() -> Iterator[Core | None]:
    for core in (None, native_core()):
        with patch.object(USED, "core", core):
            yield core


def outcome(made: Packets, decided: int, base: int, *, over: bool = False) -> list[object]:
    """All that one call after another leaves; rows that they stop at are left as they are."""
    [first] = chain(made.rows, 0, len(made.following), made.following, 1)
    direction = Cover(
        known=FIRST, offset=0, decided=decided, over=over, mark=4, first=-1, last=-1,
        least=NOWHERE, soonest=NOWHERE,
    )  # fmt: skip
    stretch = CapturedBytes(base, bytearray(RAW[base:]), bytearray(OUT[base:]))
    at, odd = first, []
    while at >= 0:
        at = cover(direction, stretch, made, at)
        if at >= 0:
            odd.append((at, direction.odd))
            at = made.following[at]
    waits = []
    at = direction.first
    while at >= 0:
        waits.append(at)
        at = made.following[at]
    return [bytes(made.data), bytes(made.flags), odd, waits, direction.least, direction.soonest]


@given(PACKETS, st.integers(0, len(RAW)), st.integers(0, 30), st.booleans())
def test_both_engines_do_the_same(
    packets: list[tuple[int, int, bool]], decided: int, base: int, over: bool
) -> None:
    pure, compiled = (outcome(laid(packets), decided, base, over=over) for _ in engines())
    assert compiled == pure


@given(PACKETS, st.integers(0, len(RAW)))
def test_each_packet_is_masked_or_waits_or_is_left_to_the_caller(
    packets: list[tuple[int, int, bool]], decided: int
) -> None:
    data, flags, odd, waits, least, soonest = outcome(laid(packets), decided, 0)
    assert isinstance(data, bytes)
    assert isinstance(flags, bytes)
    before = laid(packets)
    waiting = []
    for index, (offset, length, differs) in enumerate(packets):
        start = before.rows[6 * index + 3]
        frame, end = data[start : start + length], offset + length
        captured = before.data[start : start + length]
        is_alike = offset >= 0 and end <= decided and RAW[offset:end] == captured
        assert frame == (OUT[offset:end] if is_alike else captured), differs
        if not is_alike and end > decided:
            waiting.append(index)
            continue
        assert ((index, offset) in odd) is not is_alike  # type: ignore[operator]
        assert bool(flags[index]) is is_alike
    assert waits == waiting
    ends = [packets[index][0] + packets[index][1] for index in waiting]
    assert least == min([packets[index][0] for index in waiting], default=NOWHERE)
    assert soonest == min(ends, default=NOWHERE)


def test_rows_are_chained_by_their_directions() -> None:
    rows = array("q")
    for way, length in ((0, 5), (1, 5), (0, 0), (-1, 5), (0, 5), (1, 5), (2, 5), (0, 5)):
        rows.extend((-1, 0, 0, 10, 10 + length, way))
    for _ in engines():
        following = array("q", [-1]) * 8
        assert [*chain(rows, 0, 7, following, 3)] == [0, 1, 6]
        assert [*following] == [4, 5, -1, -1, -1, -1, -1, -1]


def test_a_row_that_was_given_up_is_left_alone() -> None:
    for _ in engines():
        made = laid([(0, 20, False), (20, 20, False)])
        chain(made.rows, 0, 2, made.following, 1)
        made.rows[3] = -1
        direction = Cover(known=FIRST, decided=99, first=-1, least=NOWHERE, soonest=NOWHERE)
        stretch = CapturedBytes(0, bytearray(RAW), bytearray(OUT))
        assert cover(direction, stretch, made, 0) == -1
        assert (bytes(made.data[1:]), list(made.flags)) == (RAW[:20] + OUT[20:40], [0, CHANGED])


@pytest.mark.parametrize(
    ("offset", "length", "is_changed"),
    [
        (0, 8, False),  # in front of the key
        (10, 3, True),
        (18, 1, False),  # masked by what it was, as nothing that touches it is told by
        (19, 1, True),
        (19, 5, True),
        (24, 1, True),
        (25, 1, False),
        (26, 9, False),
    ],
)
def test_a_mask_that_happens_to_be_what_it_hides_has_changed_its_packet(
    offset: int, length: int, is_changed: bool
) -> None:
    """Of `-1234567` became `82345671`: digits that were there may come again."""
    out = bytearray(OUT)
    out[18:25] = b"7234567"  # six of seven are what they were
    if offset == 18:
        out[17:19] = RAW[17:19]
    raw = bytearray(RAW)
    for _ in engines():
        made = laid([(offset, length, False)])
        direction = Cover(known=FIRST, decided=len(RAW), first=-1, least=NOWHERE, soonest=NOWHERE)
        stretch = CapturedBytes(0, raw, out)
        assert cover(direction, stretch, made, 0) == -1
        assert bool(made.flags[0] & CHANGED) is is_changed
