"""First bytes tell what a stream is: yes, no, or not yet; and never change their mind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.detect import (
    LOOK_BYTES,
    begins_tls_record,
    looks_like_request,
    looks_like_response,
    looks_like_tls,
    resumes_request,
    sender_of_hello,
)
from inspector.protocols.tls_record import MAX_RECORD


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


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"", None),
        (b"\x16", None),
        (b"\x16\x03\x01\x02", None),
        (b"\x16\x03\x01\x02\x00", True),
        (b"\x17\x03\x03\x00\x40", True),
        (b"\x15\x03\x03\x00\x02\x02\x28", True),
        (b"\x16\x03\x01\xff\xff", False),
        (b"\x16\x03\x01\x00\x00", False),
        (b"\x16\x02\x00", False),
        (b"\x16\x03\x09", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"PRI * HTTP/2.0\r\n", False),
        (b"\x80\x2e\x01\x03\x01", False),  # an SSLv2-style hello
    ],
)
def test_tls_is_recognised_by_its_first_record_header(data: bytes, answer: bool | None) -> None:
    assert looks_like_tls(data) is answer


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\x17\x03\x03" + MAX_RECORD.to_bytes(2, "big"), True),
        (b"\x17\x03\x03" + (MAX_RECORD + 1).to_bytes(2, "big"), False),
        (b"\x16\x03\x01\x02\x00", True),
        (b"\x16\x03\x01\x02", False),
        (b"\x15\x03\x03\x00\x02", False),  # alerts are no start to come into step at
        (b"\x17\x03\x05\x00\x40", False),
        (b"\x17\x02\x03\x00\x40", False),
    ],
)
def test_in_midstream_a_record_is_data_or_a_handshake(data: bytes, answer: bool) -> None:
    assert begins_tls_record(data) is answer


def test_a_hello_tells_its_sender() -> None:
    assert sender_of_hello(b"\x16\x03\x01\x02\x00\x01") is True
    assert sender_of_hello(b"\x16\x03\x03\x02\x00\x02") is False
    assert sender_of_hello(b"\x16\x03\x03\x02\x00\x0b") is None
    assert sender_of_hello(b"\x17\x03\x03\x02\x00\x01") is None
