from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.detect import looks_like_request, resumes_request
from inspector.protocols.http1_faults import Notes
from inspector.protocols.http1_head import RequestLine, parse_fields, request_line

ODD_LINES = [
    (b"GET / HTTP/1.0.8", "unknown-version", b"HTTP/1.0.8"),
    (b"GET / HTTP/1.10", "unknown-version", b"HTTP/1.10"),
    (b"GET / http/1.1", "unknown-version", b"http/1.1"),
    (b"GET / HTTP/numeric.numeric", "unknown-version", b"HTTP/numeric.numeric"),
    (b"GET / HTTP/1.1 ", "malformed-start-line", b"HTTP/1.1"),
    (b"GET / HTTP/1.1\t \t", "malformed-start-line", b"HTTP/1.1"),
    (b"GET  / HTTP/1.1", "malformed-start-line", b"HTTP/1.1"),
    (b"GET /  HTTP/1.1", "malformed-start-line", b"HTTP/1.1"),
    (b"GET\t/\tHTTP/1.1", "malformed-start-line", b"HTTP/1.1"),
    (b"GET \t / \t HTTP/1.1", "malformed-start-line", b"HTTP/1.1"),
]


@pytest.mark.parametrize(("line", "fault", "version"), ODD_LINES)
def test_an_odd_request_line_is_one_behind_a_registered_method(
    line: bytes, fault: str, version: bytes
) -> None:
    for end in (b"\r\n", b"\n"):
        assert looks_like_request(line + end) is True
        assert resumes_request(line + end) is True
    for size in range(len(line)):
        assert looks_like_request(line[:size]) is None
        assert resumes_request(line[:size]) is None
    notes = Notes()
    assert request_line(line, notes) == RequestLine(b"GET", b"/", version)
    assert [name for name, _, _ in notes.told()] == [fault]
    strange = line.replace(b"GET", b"BREW")
    assert resumes_request(strange + b"\r\n") is False


def test_a_long_line_of_blanks_costs_no_square() -> None:
    line = b"GET" + b" \t" * 30_000 + b"HTTP/x y"
    started = time.process_time()
    for _ in range(20):
        assert request_line(line, Notes()) is None
        assert looks_like_request(line + b"\r\n") is False
    assert time.process_time() - started < 2


LINE = st.builds(
    lambda name, value: name + b":" + value,
    st.from_regex(rb"[A-Za-z-]{1,8}", fullmatch=True),
    st.from_regex(rb"[ \t!-~\x80-\xff]{0,12}", fullmatch=True),
)


@given(st.lists(LINE, max_size=6))
def test_the_careful_way_through_a_block_agrees_with_the_quick_one(lines: list[bytes]) -> None:
    """A line without a colon sends a block the careful way, and is dropped there."""
    notes = Notes()
    quick = parse_fields(b"".join(line + b"\r\n" for line in lines) + b"\r\n", 100, notes)
    assert notes.told() == []
    careful = parse_fields(b"".join(line + b"\r\n" for line in [*lines, b"x"]), 100, notes)
    assert careful == quick
    assert [name for name, _, _ in notes.told()] == ["field-without-colon"]


@given(st.lists(LINE, max_size=6), st.sampled_from([b"\x00", b"\x1b", b"\r", b"no", b" : "]))
def test_a_block_gives_back_every_byte_of_its_values(lines: list[bytes], odd: bytes) -> None:
    block = b"".join(line + odd + b"\n" for line in lines)
    fields = parse_fields(block, 100, Notes())
    assert b"".join(field.name + b":" + field.raw + b"\n" for field in fields) == block.replace(
        b"\r\n", b"\n"
    )
