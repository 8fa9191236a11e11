"""Heads that lie whole in one segment: read in one step they say the same as line by line."""

from __future__ import annotations

import pytest

from inspector.protocols import http1_at_once, http1_framing
from inspector.protocols.http1_at_once import (
    LONGEST_STATUS_LINE,
    STATUS_LINES,
    request_at_once,
    response_at_once,
)
from inspector.protocols.http1_begun import Begun, read_begun
from inspector.protocols.http1_faults import HeadLimits
from inspector.protocols.http1_framing import LENGTHS, framed
from inspector.protocols.http1_head_reader import HeadReader
from inspector.protocols.http1_lines import FieldBlock
from inspector.protocols.messages import Field, by_name
from inspector.wire import Segment

LIMITS = HeadLimits()

REQUESTS = (
    b"POST /v1/messages HTTP/1.1\r\nHost: api.lab\r\nContent-Length: 5\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"CONNECT api.lab:443 HTTP/1.1\r\nHost: api.lab:443\r\nContent-Length: 5\r\n\r\n",
    b"PUT /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
    b"PUT /a HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n",
    b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    b"GET / HTTP/1.1\r\nconnection: Close\r\n\r\n",
    b"GET / HTTP/1.1\r\nconnection: keep-alive, close\r\n\r\n",
    b"GET / HTTP/1.1\r\ncontent-length: five\r\n\r\n",
    b"GET / HTTP/1.1\r\ncontent-length:\t007 \r\n\r\n",
    b"GET / HTTP/1.1\r\ncontent-length: " + b"9" * 30 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
    b"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nA: 3\r\n\r\n",
)
RESPONSES = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 \r\n\r\n",
    b"HTTP/1.1 100 Continue\r\ncontent-length: bad\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\nconnection: close\r\n\r\n",
    b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    b"HTTP/1.1 401 sk-LABONLYufWZUPMlLaRDbzGtgRgtujID\r\nset-cookie: a\r\nset-cookie: b\r\n\r\n",
)


def _line_by_line(head: bytes, method: bytes, *, requests: bool) -> Begun:
    reader = HeadReader(LIMITS, requests=requests)
    assert reader.read((7, 3, head), 0) == len(head)
    assert reader.head is not None
    return read_begun(reader.head, 11, method)


def _told(begun: Begun | None) -> tuple[object, ...]:
    assert begun is not None
    said = begun.head, begun.length, begun.closes, begun.may_switch, begun.is_interim
    return *said, begun.notes.told() if begun.notes else []


@pytest.mark.parametrize("head", REQUESTS)
def test_a_request_says_the_same_as_line_by_line(head: bytes) -> None:
    before, behind = b"what stands before it", b"and behind"
    segment: Segment = (7, 3, before + head + behind)
    expected = _told(_line_by_line(head, b"", requests=True))
    for _ in range(2):  # read now, and known
        assert _told(request_at_once(segment, len(before), 11, LIMITS, b"")) == expected


@pytest.mark.parametrize("method", [b"", b"GET", b"HEAD", b"CONNECT"])
@pytest.mark.parametrize("head", RESPONSES)
def test_a_response_says_the_same_as_line_by_line(head: bytes, method: bytes) -> None:
    expected = _told(_line_by_line(head, method, requests=False))
    for _ in range(2):
        assert _told(response_at_once((7, 3, head), 0, 11, LIMITS, method)) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: api.lab\r\n",  # its end is not here
        b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost: api.lab\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : api.lab\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 200 O\x01K\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: 1\r\n b\r\n\r\n",
    ],
)
def test_what_is_odd_or_not_whole_is_left_to_others(data: bytes) -> None:
    assert request_at_once((7, 3, data), 0, 0, LIMITS, b"") is None
    assert response_at_once((7, 3, data), 0, 0, LIMITS, b"") is None


def test_limits_hold() -> None:
    few = HeadLimits(start_line=60, fields=2)
    fits = b"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\n\r\n"
    assert request_at_once((7, 3, fits), 0, 0, few, b"") is not None
    for head in (
        b"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n",
        fits[:-4] + b"2" * 60 + fits[-4:],
    ):
        assert request_at_once((7, 3, head), 0, 0, few, b"") is None
    status = b"HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n"
    assert response_at_once((7, 3, status), 0, 0, few, b"") is None


def test_a_status_line_is_kept_if_its_reason_may_be_shown() -> None:
    kept = http1_at_once._STATUS_LINES
    kept.clear()
    long = b"word " * (LONGEST_STATUS_LINE // 5)
    for reason in (b"OK", b"sk-LABONLYufWZUPMlLaRDbzGtgRgtujID", b"0123456789abcdef", long):
        line = b"HTTP/1.1 200 " + reason
        assert response_at_once((7, 3, line + b"\r\n\r\n"), 0, 0, LIMITS, b"") is not None
    assert list(kept) == [b"HTTP/1.1 200 OK"]


def test_what_is_kept_has_bounds() -> None:
    for number in range(STATUS_LINES + 10):
        line = b"HTTP/1.%d %03d OK\r\n\r\n" % (number % 2, number // 2 + 100)
        response_at_once((7, 3, line), 0, 0, LIMITS, b"")
    assert len(http1_at_once._STATUS_LINES) <= STATUS_LINES
    for number in range(LENGTHS + 10):
        fields = (Field(b"content-length", b" %d" % number),)
        assert framed(FieldBlock(fields, by_name(fields), False), b"HTTP/1.1", 0)[0] == number
    assert len(http1_framing._LENGTHS) <= LENGTHS
    assert all(len(raw) <= 20 for raw in http1_framing._LENGTHS)
