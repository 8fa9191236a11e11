from __future__ import annotations

from dataclasses import dataclass

import pytest

from inspector.model.capture import Fault
from inspector.protocols.http1_faults import FAULTS, HeadLimits
from inspector.protocols.messages import Event, Field, RequestHead
from tests.protocols.conftest import Role, every_way, packets, parser, story

SMALL = HeadLimits(start_line=60, head_bytes=100, fields=3, chunk_line=20, trailer_bytes=40)
GET = b"GET / HTTP/1.1\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A stream with one thing wrong.  `splits`: what is told does not depend on segment starts."""

    name: str
    role: Role
    stream: list[bytes]
    told: list[str]
    limits: HeadLimits | None = None
    splits: bool = True


def head(name: str, fields: bytes, *, packet: int = 1) -> Case:
    """A request whose head has the fault, and which is otherwise read as usual."""
    return Case(
        name,
        "request",
        [GET + fields + b"\r\n"],
        ["GET /", f"fault {name} @{packet}", "end 0"],
    )


CASES = [
    Case(
        "garbage-between-messages",
        "request",
        [GET + b"\r\n", b"\x16\x03\x01 what", b"is this\r\n", GET + b"\r\n"],
        ["GET /", "end 0", "fault garbage-between-messages @2", "fault resynchronised @4", "GET /",
         "end 0"],
        splits=False,
    ),
    Case(
        "garbage-between-messages",
        "response",
        [b"HTTP/1.1 200OK\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"],
        ["fault garbage-between-messages @1"],
    ),
    Case(
        "unknown-version",
        "response",
        [b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n"],
        ["200", "fault unknown-version @1", "end 0"],
    ),
    Case(
        "malformed-start-line",
        "response",
        [b"HTTP/1.1\t200 \tOK\r\nContent-Length: 0\r\n\r\n"],
        ["200", "fault malformed-start-line @1", "end 0"],
    ),
    Case(
        "garbage-between-messages",
        "request",
        [b"\x9d\x00\x00\x00 GET /txt HTTP/1.1\r\n\r\n"],
        ["fault garbage-between-messages @1"],
        splits=False,
    ),
    Case(
        "garbage-between-messages",
        "request",
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
        ["fault garbage-between-messages @1"],
        splits=False,
    ),
    Case(
        "resynchronised",
        "response",
        [b"?", OK + b"Content-Length: 0\r\n\r\n"],
        ["fault garbage-between-messages @1", "fault resynchronised @2", "200", "end 0"],
    ),
    Case(
        "request-without-version",
        "request",
        [b"GET /x\r\n", GET + b"\r\n"],
        ["fault request-without-version @1", "fault resynchronised @2", "GET /", "end 0"],
        splits=False,
    ),
    Case(
        "space-in-target",
        "request",
        [b"GET /a b HTTP/1.1\r\n\r\n"],
        ["GET /a b", "fault space-in-target @1", "end 0"],
    ),
    Case(
        "malformed-start-line",
        "request",
        [b"GET \t/a  HTTP/1.1 \r\n\r\n"],
        ["GET /a", "fault malformed-start-line @1", "end 0"],
    ),
    Case(
        "unknown-version",
        "request",
        [b"GET / http/1.1\r\n\r\n"],
        ["GET /", "fault unknown-version @1", "end 0"],
    ),
    Case(
        "unknown-version",
        "request",
        [b"GET / HTTP/1.7\r\n\r\n"],
        ["GET /", "fault unknown-version @1", "end 0"],
    ),
    Case(
        "data-after-connection-close",
        "response",
        [OK + b"Connection: x, Close\r\nContent-Length: 1\r\n\r\nx\r\n",
         OK + b"Content-Length: 0\r\n\r\n"],
        ["200", "body x", "end 1", "fault data-after-connection-close @2", "200", "end 0"],
    ),
    Case(
        "head-too-large",
        "request",
        [GET + b"A: 1\r\nB: " + b"x" * 100, b"\r\n\r\n"],
        ["GET /", "fault head-too-large @1", "end 0 incomplete"],
        SMALL,
    ),
    Case(
        "head-too-large",
        "request",
        [b"GET /" + b"x" * 100 + b" HTTP/1.1\r\n\r\n"],
        ["fault head-too-large @1"],
        SMALL,
    ),
    Case(
        "too-many-fields",
        "request",
        [GET + b"A:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n"],
        ["GET /", "fault too-many-fields @1", "end 0"],
        SMALL,
    ),
    Case("unfinished-head", "request", [b"GET / HTTP/1."], ["fault unfinished-head @1"]),
    Case("unfinished-head", "request", [GET + b"A: 1\r\nB: 2"],
         ["GET /", "fault unfinished-head @1", "end 0 incomplete"]),
    Case("unfinished-head", "response", [b"HTTP/1.1 100 Continue\r\nA: 1"],
         ["100", "fault unfinished-head @1"]),
    Case("bare-lf", "request", [GET, b"A: 1\n", b"B: 2\r\n\r\n"],
         ["GET /", "fault bare-lf @2", "end 0"]),
    Case("bare-lf", "request", [b"GET / HTTP/1.1\n", b"A: 1\n\n"],
         ["GET /", "fault bare-lf @1", "end 0"]),
    Case("bare-lf", "request", [GET, b"A: 1\r\n", b"\n"], ["GET /", "fault bare-lf @3", "end 0"]),
    Case(
        "bare-lf",
        "response",
        [OK + CHUNKED, b"2\nab\n", b"2\ncd\r\n0\n\n"],
        ["200", "fault bare-lf @2", "body abcd", "end 4"],
    ),
    head("bare-cr-in-header", b"A: x\ry\r\n"),
    head("nul-in-header", b"A: x\x00y\r\n"),
    head("control-byte-in-header", b"A: x\x1by\r\n"),
    head("control-byte-in-header", b"A: x\x7f\r\n"),
    Case(
        "control-byte-in-start-line",
        "request",
        [b"GET /\x00\x1b HTTP/1.1\r\n\r\n"],
        ["GET /\x00\x1b", "fault control-byte-in-start-line @1", "end 0"],
    ),
    head("folded-field", b"A: x\r\n  y\r\n"),
    head("indented-first-field", b"  A: x\r\n"),
    head("space-before-colon", b"A : x\r\n"),
    head("field-without-colon", b"A: x\r\nno colon here\r\n"),
    head("bad-field-name", b": x\r\n"),
    head("bad-field-name", b"a b: x\r\n"),
    head("repeated-length", b"Content-Length: 0\r\nContent-Length: 00\r\n"),
    head("bad-length", b"Content-Length: -1\r\n"),
    head("bad-length", b"Content-Length: +1\r\n"),
    head("bad-length", b"Content-Length: 0x1\r\n"),
    head("bad-length", b"Content-Length:\r\n"),
    head("bad-length", b"Content-Length: 18446744073709551617\r\n"),
    head("bad-length", b"Content-Length: " + b"9" * 5000 + b"\r\n"),
    Case(
        "bad-length",
        "response",
        [OK + b"Content-Length: 1_0\r\n\r\nall to the close"],
        ["200", "fault bad-length @1", "body all to the close", "end 16"],
    ),
    Case(
        "differing-lengths",
        "request",
        [b"POST / HTTP/1.1\r\nContent-Length: 2, 4\r\n\r\nok"],
        ["POST /", "fault differing-lengths @1", "body ok", "end 2"],
    ),
    Case(
        "conflicting-length",
        "request",
        [b"POST / HTTP/1.1\r\nContent-Length: 50\r\n" + CHUNKED + b"0\r\n\r\n" + GET + b"\r\n"],
        ["POST /", "fault conflicting-length @1", "end 0", "GET /", "end 0"],
    ),
    Case(
        "unusable-transfer-coding",
        "request",
        [b"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\nok"],
        ["POST /", "fault unusable-transfer-coding @1", "body ok", "end 2"],
    ),
    Case(
        "unusable-transfer-coding",
        "response",
        [OK + b"Transfer-Encoding: chunked, gzip\r\nContent-Length: 2\r\n\r\nto the close"],
        ["200", "fault unusable-transfer-coding @1", "body to the close", "end 12"],
    ),
    Case(
        "transfer-coding-in-http-1.0",
        "response",
        [b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"1\r\nx\r\n0\r\n\r\n"],
        ["200", "fault transfer-coding-in-http-1.0 @1", "body x", "end 1"],
    ),
    *[
        Case(
            "bad-chunk",
            "response",
            [OK + CHUNKED + b"2\r\nab\r\n", line + b"\r\ncd\r\n"],
            ["200", "body ab", "fault bad-chunk @2", "end 2 incomplete"],
        )
        for line in (b"", b"x", b"-2", b"+2", b"0x2", b" 2", b"2_0", b"2 2", b"1" + b"0" * 16)
    ],
    Case(
        "bad-chunk",
        "response",
        [OK + CHUNKED + b"2\r\nabc\r\n0\r\n\r\n", OK + b"\r\n"],
        ["200", "body ab", "fault bad-chunk @1", "end 2 incomplete", "fault resynchronised @2",
         "200", "end 0"],
        splits=False,
    ),
    Case(
        "chunk-line-too-long",
        "response",
        [OK + CHUNKED, b"2;" + b"x" * 30],
        ["200", "fault chunk-line-too-long @2", "end 0 incomplete"],
        HeadLimits(chunk_line=20),
    ),
    Case(
        "trailer-too-large",
        "response",
        [OK + CHUNKED, b"0\r\nA: " + b"x" * 50],
        ["200", "fault trailer-too-large @2", "end 0 incomplete"],
        HeadLimits(trailer_bytes=40),
    ),
    Case(
        "folded-field",
        "response",
        [OK + CHUNKED + b"0\r\nA: b\r\n c\r\n", b"\r\n"],
        ["200", "fault folded-field @1", "end 0"],
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_named_with_its_packet_and_parsing_goes_on(case: Case) -> None:
    segments = packets(*case.stream)
    for batches in every_way(segments) if case.splits else [[segments]]:
        http = parser(case.role, limits=case.limits)
        events: list[Event] = []
        for batch in batches:
            events += http.receive(batch)
        assert story(events + http.close(10**10, 9)) == case.told


def test_every_fault_has_a_case_and_a_sentence() -> None:
    assert {case.name for case in CASES} == set(FAULTS)
    assert all(name == name.lower() and " " not in name for name in FAULTS)
    assert all(meaning.endswith(".") for meaning in FAULTS.values())


def fields_of(block: bytes, limits: HeadLimits | None = None) -> tuple[Field, ...]:
    """The fields of a request with this block, which must be the same however it is cut."""
    found = set()
    for batches in every_way(packets(GET + block)):
        http = parser("request", limits=limits)
        (first, *_) = [event for batch in batches for event in http.receive(batch)]
        assert isinstance(first, RequestHead)
        found.add(first.fields)
    (fields,) = found
    return fields


def test_the_wire_s_own_bytes_stay_in_a_malformed_field() -> None:
    assert fields_of(b"A: x\r\n\ty\r\nB:\x00\r z \nC : 1\r\nnone\r\n\r\n") == (
        Field(b"A", b" x\r\n\ty"),
        Field(b"B", b"\x00\r z "),
        Field(b"C", b" 1"),
    )
    assert fields_of(b"A: x\r\n\ty\r\n\r\n")[0].value == b"x y"


def test_a_head_beyond_the_limit_keeps_the_fields_up_to_there() -> None:
    block = b"A: 1\r\nAuthorization: placeholder\r\nB: " + b"x" * 200 + b"\r\n\r\n"
    assert fields_of(block, SMALL) == (Field(b"A", b" 1"), Field(b"Authorization", b" placeholder"))


def test_a_head_that_breaks_off_keeps_its_whole_lines() -> None:
    for break_off in ("gap", "close"):
        http = parser("request")
        http.receive(packets(GET + b"A: 1\r\nAuthorization: Bearer sk-ant-api03-LABON"))
        head, *_ = http.gap(9, 2, 2) if break_off == "gap" else http.close(2, 2)
        assert isinstance(head, RequestHead)
        assert head.fields == (Field(b"A", b" 1"),)


def test_a_megabyte_of_header_is_one_fault_and_the_next_message_is_found() -> None:
    huge = GET + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(1000)) + b"\r\n"
    cut = [huge[start : start + 1448] for start in range(0, len(huge), 1448)]
    told = story(parser("request").receive(packets(*cut, GET + b"\r\n")))
    assert told == [
        "GET /", "fault head-too-large @1", "end 0 incomplete",
        f"fault resynchronised @{len(cut) + 1}", "GET /", "end 0",
    ]  # fmt: skip


def test_a_cut_head_pauses_nothing_and_is_no_tunnel() -> None:
    http = parser("request", limits=SMALL)
    told = story(http.receive(packets(b"CONNECT a:1 HTTP/1.1\r\nA: " + b"x" * 200)))
    assert told == ["CONNECT a:1", "fault head-too-large @1", "end 0 incomplete"]
    assert not http.paused

    http = parser("response", b"CONNECT", limits=SMALL)
    told = story(http.receive(packets(OK + b"A: " + b"x" * 200)))
    assert told == ["200", "fault head-too-large @1", "end 0 incomplete"]


def test_a_cut_interim_head_has_no_end() -> None:
    http = parser("response", limits=SMALL)
    told = story(http.receive(packets(b"HTTP/1.1 103 Hints\r\nA: " + b"x" * 200)))
    assert told == ["103", "fault head-too-large @1"]


def test_repetitions_in_a_head_are_one_fault_with_their_number() -> None:
    events = parser("request").receive(packets(GET, b"A: 1\nB: 2\nC: 3\n\n"))
    assert [event for event in events if isinstance(event, Fault)] == [
        Fault("bare-lf", 2, "4 times")
    ]


def test_no_fault_quotes_the_wire() -> None:
    canary = b"sk-ant-api03-LABONLY"
    streams = [case.stream for case in CASES] + [
        [GET + canary + b"\r\n" + canary + b" : \x00" + canary + b"\r\n\r\n", canary],
        [OK + CHUNKED, canary + b"\r\n", canary],
    ]
    for stream in streams:
        for role in ("request", "response"):
            http = parser(role)
            events = http.receive(packets(*stream)) + http.close(0, 9)
            faults = [event for event in events if isinstance(event, Fault)]
            assert canary.decode() not in repr(faults)
            assert {fault.name for fault in faults} <= set(FAULTS)


def test_garbage_is_named_as_soon_as_it_cannot_be_a_message() -> None:
    assert story(parser("response").receive(packets(b"<"))) == ["fault garbage-between-messages @1"]
    assert story(parser("request").receive(packets(b"\x00"))) == [
        "fault garbage-between-messages @1"
    ]
    assert parser("request").receive(packets(b"GET /")) == []
    assert parser("response").receive(packets(b"HTTP/1.1 2")) == []
