"""A track is blank but for its grants; what is decided does not change, whatever comes later."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.redaction.track import Track, unread

PUBLIC = b"sk-ant-placeholder-key-for-credential-isolation"


def test_what_nobody_read_keeps_line_ends_and_placeholders_alone() -> None:
    assert unread(b"AUTH LABONLY\r\n") == b"xxxxxxxxxxxx\r\n"
    assert unread(b"key " + PUBLIC + b"!") == b"xxxx" + PUBLIC + b"x"


def test_grants_are_written_and_everything_else_is_blank() -> None:
    track = Track()
    track.add(b"GET /lab HTTP/1.1\r\nrest")
    track.grant(0, b"GET /xxx HTTP/1.1")
    assert track.settle(19) == 17, "the line end was granted by nobody"
    assert track.covered(0, b"GET /lab HTTP/1.1\r\n") == (b"GET /xxx HTTP/1.1\r\n", "")
    assert track.decided == 19
    assert track.settle(1 << 62) == 19
    assert track.covered(19, b"rest") == (b"xxxx", "")


def test_what_was_decided_is_not_granted_any_more() -> None:
    track = Track()
    track.add(b"LABONLY-first-second")
    track.settle(13)
    track.grant(0, b"LABONLY-first-second")
    track.settle(20)
    assert track.covered(0, b"LABONLY-first-second") == (b"x" * 13 + b"-second", "")


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=8), st.integers(0, 60))
def test_in_whatever_order_grants_come_no_other_byte_is_shown(
    places: list[tuple[int, int]], border: int
) -> None:
    data = bytes(range(0x21, 0x21 + 40))
    track = Track()
    track.add(data)
    shown = set()
    for start, size in places:
        track.grant(start, data[start : start + size])
        shown |= set(range(start, min(40, start + size)))
    track.settle(border)
    track.settle(1 << 62)
    expected = bytes(data[at] if at in shown else ord("x") for at in range(40))
    assert track.covered(0, data) == (expected, "")


def test_a_copy_with_other_bytes_is_blank_and_an_equal_one_equal() -> None:
    track = Track()
    track.add(b"word by word")
    track.grant(0, b"word by word")
    track.settle(12)
    assert track.covered(5, b"by word") == (b"by word", "")
    assert track.covered(5, b"my word") == (b"xxxxxxx", "unmatched")


def test_over_a_gap_each_side_is_compared_with_what_came() -> None:
    track = Track()
    track.add(b"before")
    track.gap(4)
    track.add(b"after")
    track.grant(0, b"before")
    track.grant(10, b"after")
    track.settle(1 << 62)
    assert track.end == 15
    assert track.covered(3, b"ore????aft") == (b"orexxxxaft", "forgotten")
    assert track.read(0, 6) == b"before"
    assert track.read(4, 12) == b""


def test_a_grant_before_a_gap_still_counts_behind_it() -> None:
    track = Track()
    track.add(b"held")
    track.gap(3)
    track.grant(0, b"held")
    track.settle(7)
    assert track.covered(0, b"held") == (b"held", "")


def test_of_what_was_shown_to_nobody_a_packet_keeps_no_more_than_of_the_unread() -> None:
    track = Track()
    track.add(b"seen")
    track.passed(10)
    track.passed(10)
    track.settle(1 << 62)
    assert track.covered(6, b"LABONLY\r\n") == (b"xxxxxxx\r\n", "")


@pytest.mark.parametrize("gaps", [0, 3])
def test_memory_is_bounded_and_what_waits_is_kept(gaps: int) -> None:
    track = Track()
    for number in range(50):
        track.add(b"%04d" % number * 256)
        if number % 10 == 9 and gaps:
            track.gap(1)
    track.grant(0, b"")
    track.settle(1 << 62)
    track.trim(needed=track.end - 2048, history=1024, past=4096)
    assert track.remembered <= 4096 + 10 * 1024
    assert track.covered(track.end - 1024, track.read(track.end - 1024, track.end))[1] == ""


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 30), st.just(0)),
        st.tuples(st.just("gap"), st.integers(1, 9), st.just(0)),
        st.tuples(st.just("grant"), st.integers(0, 60), st.integers(1, 30)),
        st.tuples(st.just("settle"), st.integers(0, 80), st.just(0)),
    ),
    max_size=25,
)


@given(STEPS)
def test_whatever_comes_in_between_a_grant_stands_where_it_was_granted(
    steps: list[tuple[str, int, int]],
) -> None:
    track = Track()
    granted: dict[int, set[int]] = {}  # for each offset, while it was not decided
    stretches = [(0, 0)]
    for letter, (step, at, count) in enumerate(steps, start=ord("A")):
        if step == "add":
            track.add(b"\n" * at)
            stretches[-1] = stretches[-1][0], track.end
        elif step == "gap":
            track.gap(at)
            stretches.append((track.end, track.end))
        elif step == "grant":
            track.grant(at, bytes([letter]) * count)
            for place in range(max(at, track.decided), at + count):
                granted.setdefault(place, set()).add(letter)
        else:
            track.settle(at)
    for start, end in stretches:
        stop = min(end, track.decided)
        if start < stop:
            shown, why = track.covered(start, b"\n" * (stop - start))
            assert (len(shown), why) == (stop - start, "")
            for place, byte in enumerate(shown, start=start):
                assert byte in granted.get(place, {ord("\n")})
