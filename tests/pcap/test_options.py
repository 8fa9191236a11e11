from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.pcap import options as opt

ORDERS = st.sampled_from("<>")


def written(options: list[tuple[int, bytes]], order: str) -> bytes:
    return b"".join(
        pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
        for code, value in options
    )


lists = st.lists(st.tuples(st.integers(1, 0xFFFF), st.binary(max_size=40)), max_size=8)


@given(lists, ORDERS, st.booleans(), st.binary(max_size=9))
def test_options_come_back_as_they_were_written(
    options: list[tuple[int, bytes]], order: str, ended: bool, before: bytes
) -> None:
    data = before + written(options, order) + (bytes(4) if ended else b"")
    assert opt.parse_options(data, len(before), len(data), order) == opt.BlockOptions(options, None)


@given(lists, ORDERS, st.integers(1, 0xFFFF))
def test_options_before_a_lying_length_are_kept_and_the_lie_is_named(
    options: list[tuple[int, bytes]], order: str, claim: int
) -> None:
    data = written(options, order) + pack(order + "HH", 7, claim)
    found = opt.parse_options(data, 0, len(data), order)
    assert found.values == options
    assert found.fault == f"option 7 claims {claim} bytes, 0 are there"


@given(lists, ORDERS, st.integers(1, 3))
def test_bytes_too_few_for_an_option_are_named(
    options: list[tuple[int, bytes]], order: str, extra: int
) -> None:
    data = written(options, order) + b"\1" * extra
    found = opt.parse_options(data, 0, len(data), order)
    assert found.values == options
    assert found.fault == f"{extra} bytes after the last option"


@given(st.binary(max_size=100), st.integers(0, 100), st.integers(0, 100), ORDERS)
def test_no_bytes_raise_and_no_option_reaches_beyond_the_end(
    data: bytes, at: int, end: int, order: str
) -> None:
    end = min(end, len(data))
    found = opt.parse_options(data, at, end, order)
    assert sum(4 + len(value) for _, value in found.values) <= max(0, end - at)


def test_bytes_after_the_end_of_options_are_not_looked_at() -> None:
    data = written([(opt.COMMENT, b"seen")], "<") + bytes(4) + b"\xff" * 12
    assert opt.parse_options(data, 0, len(data), "<") == opt.BlockOptions(
        [(opt.COMMENT, b"seen")], None
    )


@pytest.mark.parametrize(
    ("value", "ticks", "nanoseconds"),
    [
        (6, 1_500_000, 1_500_000_000),  # the default
        (9, 1_500_000_001, 1_500_000_001),
        (0, 3, 3_000_000_000),
        (3, 1_500, 1_500_000_000),
        (12, 1_500_000_000_999, 1_500_000_000),  # picoseconds are cut off
        (0x80 | 1, 3, 1_500_000_000),
        (0x80 | 10, 1536, 1_500_000_000),
        (0x80 | 32, (1 << 32) + (1 << 31), 1_500_000_000),
        (0xFF, 1 << 127, 1_000_000_000),
        (0x7F, 10**127, 1_000_000_000),
    ],
)
def test_a_resolution_is_a_power_of_ten_or_of_two(value: int, ticks: int, nanoseconds: int) -> None:
    numerator, denominator = opt.resolution(value)
    assert ticks * numerator // denominator == nanoseconds


def test_a_filter_is_given_as_text_and_a_program_by_its_size() -> None:
    assert opt.filter_text(b"\0tcp port 3128") == "tcp port 3128"
    assert opt.filter_text(b"\1" + bytes(24)) == "(BPF program of 3 instructions)"
    assert opt.filter_text(b"") == "(unknown kind of filter)"


def test_the_last_of_equal_options_counts_and_comments_are_all_kept() -> None:
    found = opt.BlockOptions([(1, b"a"), (2, b"x"), (1, b"b\xff"), (2, b"y\0")], None)
    assert found.last(2) == b"y\0"
    assert found.last(3) is None
    assert found.comments() == ("a", "b\ufffd")
    assert opt.text(b"eth0\0") == "eth0"
