from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.http1_faults import Notes
from inspector.protocols.http1_head import (
    LOOK_BYTES,
    looks_like_request,
    looks_like_response,
    parse_fields,
    request_line,
    resumes_request,
)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\r\n\nGET / HTTP/1.0\n",
        b"CONNECT [2001:db8::7]:443 HTTP/1.1\r\nHost",
        b"X" * 32 + b" * HTTP/1.1\r\n",
        b"!#$%&'*+-.^_`|~09azAZ \xff\x00 HTTP/9.9\r\n",
        b"GET /cgi-bin/run;cat /etc/passwd|?data=x HTTP/1.1\r\n",
    ],
)
def test_a_request_is_recognised_at_its_line_end_and_not_before(data: bytes) -> None:
    end = data.index(b"HTTP/") + len(b"HTTP/1.1\r\n")
    assert looks_like_request(data) is True
    line = data[:end] if b"\r\n" in data[end - 2 : end] else data[: end - 1]
    assert [looks_like_request(line[:n]) for n in range(len(line))] == [None] * len(line)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01",
        b" GET",
        b"G(",
        b"X" * 33,
        b"FETCH / FTP",
        b"FETCH / HTTP/x",
        b"FETCH / HTTP/1.1 ",
        b"FETCH / HTTP/1.10",
        b"GET /\r\n",
        b"GET / FTP\r\n",
        b"GET / HTTP/1.1 x\r\n",
        b"GET  HTTP/1.1\r\n",
        b"GET / XHTTP/1.1\r\n",
        b"GET / HTTP/" + b"1" * 17 + b"\r\n",
        b"GET / HTTP/1.1\r \r\n",
        b"FETCH\t/ HTTP/1.1\r\n",
        b"GETS  / HTTP/1.1\r\n",
        b"FETCH /a b HTTP/1.1\r\n",
        b"GET\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"GET /" + b"x" * LOOK_BYTES,
        b"\r\n" * LOOK_BYTES,
    ],
)
def test_what_cannot_be_a_request_is_refused_at_once_and_for_good(data: bytes) -> None:
    assert looks_like_request(data) is False
    assert looks_like_request(data + b" / HTTP/1.1\r\n") is False


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
    assert request_line(line, notes) == (b"GET", b"/", version)
    assert [name for name, _, _ in notes.items()] == [fault]
    strange = line.replace(b"GET", b"BREW")
    assert resumes_request(strange + b"\r\n") is False


def test_a_long_line_of_blanks_costs_no_square() -> None:
    line = b"GET" + b" \t" * 30_000 + b"HTTP/x y"
    started = time.process_time()
    for _ in range(20):
        assert request_line(line, Notes()) is None
        assert looks_like_request(line + b"\r\n") is False
    assert time.process_time() - started < 2


def test_a_response_is_recognised_by_its_version_and_status() -> None:
    line = b"\r\nHTTP/1.1 200\r\n"
    assert looks_like_response(line + b"x") is True
    assert looks_like_response(b"HTTP/1.0 404 Not Found") is True
    assert [looks_like_response(line[:n]) for n in range(15)] == [None] * 15


@pytest.mark.parametrize(
    "data", [b"http/1.1 200 OK", b"HTTP/11", b"HTTP/1.1 2000", b"HTTP/1.1  200", b"<html>", b"\0"]
)
def test_what_cannot_be_a_response_is_refused_at_once(data: bytes) -> None:
    assert looks_like_response(data) is False


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_verdict_never_changes_when_more_bytes_come(data: bytes, more: bytes) -> None:
    for looks_like in (looks_like_request, looks_like_response):
        verdict = looks_like(data)
        assert verdict is None or looks_like(data + more) is verdict


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
    assert notes.items() == []
    careful = parse_fields(b"".join(line + b"\r\n" for line in [*lines, b"x"]), 100, notes)
    assert careful == quick
    assert [name for name, _, _ in notes.items()] == ["field-without-colon"]


@given(st.lists(LINE, max_size=6), st.sampled_from([b"\x00", b"\x1b", b"\r", b"no", b" : "]))
def test_a_block_gives_back_every_byte_of_its_values(lines: list[bytes], odd: bytes) -> None:
    block = b"".join(line + odd + b"\n" for line in lines)
    fields = parse_fields(block, 100, Notes())
    assert b"".join(field.name + b":" + field.raw + b"\n" for field in fields) == block.replace(
        b"\r\n", b"\n"
    )


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"CONNECT api.lab.test:443 HTTP/1.1\r\n", True),
        (b"\r\nPOST /v1/messages HTTP/1.1\r\n", True),
        (b"ECT api.lab.test:443 HTTP/1.1\r\n", False),
        (b"BREW /pot HTTP/1.1\r\n", False),
        (b"PO", None),
        (b"POST /v1/mess", None),
        (b"PX", False),
        (b"\x17\x03\x03", False),
    ],
)
def test_out_of_step_only_a_registered_method_begins_a_request(
    data: bytes, answer: bool | None
) -> None:
    assert resumes_request(data) is answer
