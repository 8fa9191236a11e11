"""A head in a copy: parts as their positions demand, everything between them as it stood."""

from __future__ import annotations

import pytest

from inspector.credentials.masking import Masker
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.messages import MessageEnd, RequestHead, ResponseHead
from inspector.redaction.heads import masked_fields, masked_head

SECRET = b"LABONLY-of-no-known-shape"


def head_of(raw: bytes) -> RequestHead | ResponseHead:
    role = "response" if raw[:5].upper() == b"HTTP/" else "request"
    parser = Http1Parser(role, wants_body=lambda head: 0, places=True)  # type: ignore[arg-type]
    heads = [e for e in parser.receive([(1, 1, raw)]) if isinstance(e, RequestHead | ResponseHead)]
    return heads[0]


def masked(raw: bytes) -> bytes:
    return masked_head(head_of(raw), raw, Masker(b"lab"))


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /v1/models HTTP/1.1\r\nHost: lab.test\r\nAccept: */*\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.0 503 Service Unavailable\n\n",
        b"GET \t/v1/models  HTTP/1.1 \r\nHost : lab.test\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n Host: lab.test\r\nAccept:\r\n */*\r\n\r\n",
    ],
)
def test_what_is_granted_stays_byte_for_byte(raw: bytes) -> None:
    assert masked(raw) == raw


@pytest.mark.parametrize(
    "line", [b"X-Api-Key: %s\r\n", b"x-api-key : %s\n", b"X-Api-Key:\r\n %s\r\n"]
)
def test_a_credential_is_masked_in_its_place(line: bytes) -> None:
    raw = b"GET / HTTP/1.1\r\n" + line % SECRET + b"Host: lab.test\r\n\r\n"
    after = masked(raw)
    assert len(after) == len(raw)
    assert SECRET not in after
    assert b"LABONLY" not in after
    assert after.startswith(raw[: raw.index(b"LABONLY")])
    assert after.endswith(b"Host: lab.test\r\n\r\n")


def test_a_line_that_is_no_field_keeps_its_form_alone() -> None:
    raw = b"GET / HTTP/1.1\r\nAuthorization Bearer %s\r\nHost: lab.test\r\n\r\n" % SECRET
    after = masked(raw)
    assert b"\r\n" + b"x" * 13 + b" xxxxxx " + b"x" * len(SECRET) + b"\r\nHost: lab.test" in after


def test_fields_beyond_the_limit_are_counted_in_the_copy_as_they_were() -> None:
    raw = b"GET / HTTP/1.1\r\n" + b"Accept: */*\r\n" * 3000 + b"\r\n"
    before, after = head_of(raw), masked(raw)
    again = Http1Parser("request", wants_body=lambda head: 0).receive([(1, 1, after)])
    first = Http1Parser("request", wants_body=lambda head: 0).receive([(1, 1, raw)])
    assert len(before.fields) < 3000
    assert [e for e in again if not isinstance(e, RequestHead)] == [
        e for e in first if not isinstance(e, RequestHead)
    ]


def test_a_version_that_is_none_may_be_any_text() -> None:
    raw = b"GET / HTTP/LABONLY9LABONLY\r\n\r\n"
    assert masked(raw) == b"GET / HTTP/" + b"x" * 15 + b"\r\n\r\n"


def test_so_may_that_of_an_answer() -> None:
    raw = b"HTTP/LABONLY9LABONLY \t401  OK\r\n\r\n"
    assert masked(raw) == b"HTTP/" + b"x" * 15 + b" \t401  OK\r\n\r\n"
    assert masked(b"HTTP/2 401\r\n\r\n") == b"HTTP/2 401\r\n\r\n"


def test_trailers_are_masked_as_headers_are() -> None:
    raw = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        b"Set-Cookie: a=LABONLY-cookie\r\nExpires: 0\r\n\r\n"
    )
    parser = Http1Parser("response", wants_body=lambda head: 0, places=True)
    [end] = [e for e in parser.receive([(1, 1, raw)]) if isinstance(e, MessageEnd)]
    assert end.trailer_lines is not None
    start, stop = end.trailer_lines.extent
    after = masked_fields(end.trailer_lines, end.trailers, raw[start:stop], Masker(b"lab"))
    assert b"LABONLY" not in after
    assert after.endswith(b"\r\nExpires: 0\r\n\r\n")
    assert len(after) == stop - start
