from __future__ import annotations

from dataclasses import dataclass

import pytest

from inspector.protocols.extent import Extent, FieldLines
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.messages import (
    EVERYTHING,
    Body,
    Event,
    Field,
    MessageEnd,
    RequestHead,
    ResponseHead,
    Switched,
)
from tests.protocols.conftest import Role, every_way, merged, packets, parser, story


@dataclass(frozen=True, slots=True)
class Case:
    sentence: str
    role: Role
    stream: list[bytes]
    told: list[str]
    methods: tuple[bytes, ...] = ()
    closed: bool = False


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

CASES = [
    Case(
        "a request without a length has no body",
        "request",
        [b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"],
        ["GET /a", "end 0"],
    ),
    Case(
        "Content-Length delimits a body",
        "request",
        [b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel", b"lo"],
        ["POST /a", "body hello", "end 5"],
    ),
    Case(
        "pipelined requests share a packet",
        "request",
        [
            b"GET /1 HTTP/1.1\r\n\r\n"
            b"POST /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"
            b"GET /3 HTTP/1.1\r\n\r\n",
        ],
        ["GET /1", "end 0", "POST /2", "body x", "end 1", "GET /3", "end 0"],
    ),
    Case(
        "empty lines before a request are ignored",
        "request",
        [b"\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n", b"\n", b"GET /2 HTTP/1.1\r\n\r\n"],
        ["GET /", "end 0", "GET /2", "end 0"],
    ),
    Case(
        "any token is a method",
        "request",
        [b"M-SEARCH * HTTP/1.1\r\n\r\n"],
        ["M-SEARCH *", "end 0"],
    ),
    Case(
        "a proxy is asked in absolute form",
        "request",
        [b"GET http://172.30.0.30:10001/v1/models HTTP/1.1\r\n\r\n"],
        ["GET http://172.30.0.30:10001/v1/models", "end 0"],
    ),
    Case(
        "a target is any bytes but white space",
        "request",
        [b'GET /\xff"<>\\^{|} HTTP/1.1\r\n\r\n'],
        ['GET /\xff"<>\\^{|}', "end 0"],
    ),
    Case(
        "chunks are joined, extensions ignored, trailers kept",
        "request",
        [
            b"POST / HTTP/1.1\r\n" + CHUNKED + b"\r\n",
            b"3;a=b\r\nabc\r\n",
            b"2 ;x\r\nde\r\n0\r\nX: y\r\n\r\n",
        ],
        ["POST /", "body abcde", "end 5"],
    ),
    Case(
        "a chunk size may have capitals and leading zeros",
        "response",
        [OK + b"transfer-encoding: Chunked\r\n\r\n00A\r\n0123456789\r\n000\r\n\r\n"],
        ["200", "body 0123456789", "end 10"],
    ),
    Case(
        "chunked ends a list of codings",
        "response",
        [OK + b"Transfer-Encoding: gzip\r\n" + CHUNKED + b"\r\n1\r\nz\r\n0\r\n\r\n"],
        ["200", "body z", "end 1"],
    ),
    Case(
        "identity is no coding",
        "response",
        [OK + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok"],
        ["200", "body ok", "end 2"],
    ),
    Case(
        "the close ends a response without a length",
        "response",
        [b"HTTP/1.0 200 OK\r\n\r\nsome", b"thing"],
        ["200", "body something", "end 9"],
        closed=True,
    ),
    Case(
        "the close ends an empty response",
        "response",
        [b"HTTP/1.0 200 OK\r\n\r\n"],
        ["200", "end 0"],
        closed=True,
    ),
    Case(
        "a close before the stated length leaves the message incomplete",
        "response",
        [OK + b"Content-Length: 10\r\n\r\nhalf"],
        ["200", "body half", "end 4 incomplete"],
        closed=True,
    ),
    Case(
        "a close before the last chunk leaves the message incomplete",
        "response",
        [OK + CHUNKED + b"\r\n4\r\nhalf\r\n"],
        ["200", "body half", "end 4 incomplete"],
        closed=True,
    ),
    Case(
        "a close after the last chunk but before its empty line leaves the message incomplete",
        "response",
        [OK + CHUNKED + b"\r\n4\r\nhalf\r\n0\r\n"],
        ["200", "body half", "end 4 incomplete"],
        closed=True,
    ),
    Case(
        "interim responses precede the final one and use no request up",
        "response",
        [
            b"HTTP/1.1 100 Continue\r\n\r\n"
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n",
            b"HTTP/1.1 204 \r\n\r\n",
        ],
        ["100", "103", "200", "end 0", "204", "end 0"],
        methods=(b"HEAD", b"GET"),
    ),
    Case(
        "a response to HEAD has no body whatever it states",
        "response",
        [OK + CHUNKED + b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
        ["200", "end 0", "200", "body ok", "end 2"],
        methods=(b"HEAD", b"GET"),
    ),
    Case(
        "204 and 304 have no body whatever they state",
        "response",
        [
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
            b"HTTP/1.1 204 No Content\r\n" + CHUNKED + b"\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ],
        ["304", "end 0", "204", "end 0", "200", "end 0"],
        methods=(b"GET", b"GET", b"GET"),
    ),
    Case(
        "a status line may lack its reason",
        "response",
        [b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"],
        ["200", "end 0"],
    ),
    Case(
        "any 2xx to CONNECT opens the tunnel, whatever length it states",
        "response",
        [b"HTTP/1.1 201 ok\r\nContent-Length: 50\r\n\r\n\x16\x03", b"\x01"],
        ["201", "end 0", "switched \x16\x03\x01"],
        methods=(b"CONNECT",),
    ),
    Case(
        "an interim response does not open the tunnel",
        "response",
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\n\r\n"],
        ["100", "200", "end 0", "switched"],
        methods=(b"CONNECT",),
    ),
    Case(
        "a refused CONNECT has a body like any response",
        "response",
        [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 200 ok\r\n\r\nx"],
        ["403", "body no", "end 2", "200", "end 0", "switched x"],
        methods=(b"CONNECT", b"CONNECT"),
    ),
    Case(
        "101 ends HTTP",
        "response",
        [
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
            b"\x81\x00HTTP/1.1 200 OK\r\n\r\n",
        ],
        ["101", "end 0", "switched \x81\x00HTTP/1.1 200 OK\r\n\r\n".rstrip()],
        methods=(b"GET",),
    ),
    Case(
        "a 200 that nobody is known to have asked for is an ordinary response",
        "response",
        [b"HTTP/1.1 200 Connection established\r\nContent-Length: 1\r\n\r\nx"],
        ["200", "body x", "end 1"],
    ),
    Case(
        "CONNECT pauses the parser",
        "request",
        [
            b"GET / HTTP/1.1\r\n\r\n"
            b"CONNECT a.test:443 HTTP/1.1\r\nContent-Length: 9\r\n\r\n\x16\x03\x01",
        ],
        ["GET /", "end 0", "CONNECT a.test:443", "end 0"],
    ),
    Case(
        "an upgrade pauses the parser after the body of its request",
        "request",
        [
            b"POST / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\n"
            b"Upgrade: h2c\r\nContent-Length: 2\r\n\r\nokPRI",
        ],
        ["POST /", "body ok", "end 2"],
    ),
    Case(
        "an Upgrade field alone, without its connection option, pauses nothing",
        "request",
        [b"GET /1 HTTP/1.1\r\nUpgrade: h2c\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"],
        ["GET /1", "end 0", "GET /2", "end 0"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_the_observer_tells(case: Case) -> None:
    first: list[Event] | None = None
    for batches in every_way(packets(*case.stream)):
        http = parser(case.role, *case.methods)
        events: list[Event] = []
        for batch in batches:
            if events and isinstance(switched := events[-1], Switched):
                switched.rest.extend(batch)  # the next layer takes these directly
            else:
                events += http.receive(batch)
        if case.closed:
            events += http.close(10**10, 9)
        events = merged(events)
        first = first or events
        assert story(events) == case.told
        assert events == first  # packets, times, fields and trailers too


def test_a_head_keeps_order_case_duplicates_and_raw_values() -> None:
    http = parser("request")
    head, _ = http.receive(
        packets(b"GET / HTTP/1.1\r\nX-B: 1\r\nx-a:\t two \r\nX-B:\r\nX-A: \xe9:\r\n\r\n")
    )
    assert isinstance(head, RequestHead)
    assert head.fields == (
        Field(b"X-B", b" 1"),
        Field(b"x-a", b"\t two "),
        Field(b"X-B", b""),
        Field(b"X-A", b" \xe9:"),
    )
    assert head.get(b"x-a") == b"two"
    assert head.version == b"HTTP/1.1"


def test_a_head_is_dated_by_its_first_byte_and_its_end_by_its_last() -> None:
    http = parser("request")
    head, end = http.receive(packets(b"\r\n", b"GE", b"T / HTTP/1.1\r\n", b"\r\n"))
    assert isinstance(head, RequestHead)
    assert (head.at, head.packet) == (2 * 10**9, 2)
    assert end == MessageEnd(True, 0, 4, 4 * 10**9, extent=Extent(20, 20))


def test_body_pieces_keep_packets_and_times() -> None:
    http = parser("response", b"GET")
    events = http.receive(
        packets(
            OK + CHUNKED + b"\r\n",
            b"2\r\nab\r\n3\r\ncde\r\n",
            b"1\r\nf\r\n0\r\n\r\n",
        )
    )
    assert events[1:] == [
        Body([(2 * 10**9, 2, b"ab"), (2 * 10**9, 2, b"cde"), (3 * 10**9, 3, b"f")]),
        MessageEnd(
            *(True, 6, 3, 3 * 10**9),
            extent=Extent(47, 73),
            trailer_lines=FieldLines(71, 73, None),
        ),
    ]


def test_one_receive_gives_at_most_one_body_event_a_message() -> None:
    http = parser("response", b"GET")
    http.receive(packets(OK + CHUNKED + b"\r\n"))
    (body,) = http.receive(packets(*[b"1\r\nx\r\n"] * 50, b"8\r\nhalf"))
    assert isinstance(body, Body)
    assert len(body.pieces) == 51


def test_trailers_come_with_the_end() -> None:
    http = parser("response", b"GET")
    *_, end = http.receive(packets(OK + CHUNKED + b"\r\n0\r\nA: 1\r\n", b"b:2\r\n\r\n"))
    assert end == MessageEnd(
        *(True, 0, 2, 2 * 10**9),
        trailers=(Field(b"A", b" 1"), Field(b"b", b"2")),
        extent=Extent(47, 63),
        trailer_lines=FieldLines(50, 63, None),
    )


def test_a_close_delimited_response_says_so() -> None:
    def says(fields: bytes) -> bool:
        (head, *_) = parser("response").receive(packets(OK + fields + b"\r\n"))
        assert isinstance(head, ResponseHead)
        return head.ends_body_at_close

    assert says(b"")
    assert not says(b"Content-Length: 0\r\n")
    assert not says(b"Transfer-Encoding: chunked\r\n")


def test_a_reset_does_not_complete_a_close_delimited_body() -> None:
    http = parser("response", b"GET")
    events = http.receive(packets(OK + b"\r\npart"))
    assert story(events + http.close(0, 9, clean=False)) == ["200", "body part", "end 4 incomplete"]


def test_nothing_follows_a_close() -> None:
    http = parser("request")
    assert http.close(0, 1) == []
    assert http.skippable == EVERYTHING
    assert http.receive(packets(b"GET / HTTP/1.1\r\n\r\n")) == []
    assert http.gap(5, 0, 2) == []
    assert http.close(0, 3) == []


# -- which bodies are handed over ----------------------------------------------


@pytest.mark.parametrize(
    "stream",
    [
        OK + b"Content-Length: 10\r\n\r\n0123456789",
        OK + CHUNKED + b"\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n",
        OK + b"\r\n0123456789",
    ],
    ids=["length", "chunked", "until close"],
)
@pytest.mark.parametrize("wanted", [0, 1, 4, 5, 10, 11])
def test_only_the_wanted_beginning_of_a_body_is_handed_over_and_all_of_it_counted(
    stream: bytes, wanted: int
) -> None:
    for batches in every_way(packets(stream)):
        http = parser("response", b"GET", wanted=wanted)
        events = [event for batch in batches for event in http.receive(batch)]
        events += http.close(0, 9)
        kept = ["body " + "0123456789"[:wanted]] if wanted else []
        assert story(events) == ["200", *kept, "end 10"]


def test_an_unwanted_body_of_known_length_can_be_skipped_to_its_end() -> None:
    http = parser("request", wanted=0)
    http.receive(packets(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n0123456789"))
    assert http.skippable == 90
    assert http.skip(40, 7, 7) == []
    assert http.skippable == 50
    assert http.skip(50, 8, 8) == [MessageEnd(True, 100, 8, 8, extent=Extent(40, 140))]
    assert http.skippable == 0
    assert story(http.receive(packets(b"GET /next HTTP/1.1\r\n\r\n"))) == ["GET /next", "end 0"]


def test_an_unwanted_chunk_can_be_skipped_but_not_its_frame() -> None:
    http = parser("response", b"GET", wanted=0)
    http.receive(packets(OK + CHUNKED + b"\r\n100\r\nabc"))
    assert http.skippable == 0x100 - 3
    assert http.skip(http.skippable, 1, 5) == []
    assert http.skippable == 0
    assert story(http.receive(packets(b"\r\n0\r\n\r\n"))) == ["end 256"]


def test_an_unwanted_close_delimited_body_can_be_skipped_altogether() -> None:
    http = parser("response", b"GET", wanted=0)
    http.receive(packets(OK + b"\r\nabc"))
    assert http.skippable == EVERYTHING
    assert http.skip(1000, 1, 5) == []
    assert story(http.close(2, 6)) == ["end 1003"]


def test_a_body_becomes_skippable_once_its_wanted_beginning_was_seen() -> None:
    http = parser("request", wanted=4)
    http.receive(packets(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n012"))
    assert http.skippable == 0
    http.receive(packets(b"345"))
    assert http.skippable == 4


def test_heads_and_wanted_bodies_cannot_be_skipped() -> None:
    http = parser("request")
    assert http.skippable == 0
    http.receive(packets(b"POST / HTTP/1.1\r\nContent-Le"))
    assert http.skippable == 0
    http.receive(packets(b"ngth: 10\r\n\r\n012"))
    assert http.skippable == 0


def test_bytes_skipped_although_they_mattered_count_as_not_captured() -> None:
    http = parser("request", wanted=0)
    http.receive(packets(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n"))
    assert story(http.skip(25, 1, 2)) == ["end 10"]
    assert story(http.receive(packets(b"GET /2 HTTP/1.1\r\n\r\n"))) == [
        "fault resynchronised @1", "GET /2", "end 0",
    ]  # fmt: skip


# -- switching -----------------------------------------------------------------

CONNECT = b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"


def test_a_refused_connect_is_followed_by_http_that_was_held() -> None:
    http = parser("request")
    assert story(http.receive(packets(CONNECT + b"GET /1 HT", b"TP/1.1\r\n\r\n"))) == [
        "CONNECT a.test:443", "end 0",
    ]  # fmt: skip
    assert http.paused
    assert http.receive(packets(b"GET /2 HTTP/1.1\r\n\r\n")) == []
    assert http.skippable == 0
    assert story(http.resume()) == ["GET /1", "end 0", "GET /2", "end 0"]
    assert not http.paused


def test_a_granted_connect_hands_over_the_bytes_after_it() -> None:
    http = parser("request")
    http.receive(packets(CONNECT + b"\x16\x03", b"\x01"))
    http.receive([(9, 9, b"\x00")])
    assert http.take_rest() == [
        (10**9, 1, b"\x16\x03"), (2 * 10**9, 2, b"\x01"), (9, 9, b"\x00"),
    ]  # fmt: skip
    assert http.skippable == EVERYTHING
    assert http.receive(packets(b"\x17")) == []
    assert http.resume() == []


def test_a_second_connect_among_the_held_bytes_pauses_again() -> None:
    http = parser("request")
    http.receive(packets(CONNECT, CONNECT + b"tls"))
    assert story(http.resume()) == ["CONNECT a.test:443", "end 0"]
    assert http.paused
    assert http.take_rest() == [(2 * 10**9, 2, b"tls")]


def test_gaps_and_the_close_wait_with_the_held_bytes() -> None:
    http = parser("request")
    http.receive(packets(CONNECT, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"))
    assert http.gap(3, 5, 5) == []
    assert http.receive([(6, 6, b"cd")]) == []
    assert http.close(7, 7) == []
    assert story(http.resume()) == [
        "POST /", "body ab", "missing 3 @5", "body cd", "end 7 lost",
    ]  # fmt: skip
    assert http.skippable == EVERYTHING


def test_the_rest_is_never_joined_across_a_gap() -> None:
    http = parser("request")
    http.receive(packets(CONNECT, b"ab"))
    http.gap(3, 5, 5)
    http.receive([(6, 6, b"cd")])
    assert http.take_rest() == [(2 * 10**9, 2, b"ab")]


def test_resume_without_a_pause_does_nothing() -> None:
    http = parser("request")
    assert http.resume() == []
    assert story(http.receive(packets(b"GET / HTTP/1.1\r\n\r\n"))) == ["GET /", "end 0"]


def test_after_a_switch_a_response_parser_is_finished() -> None:
    http = parser("response", b"CONNECT")
    http.receive(packets(b"HTTP/1.1 200 Connection established\r\n\r\n"))
    assert http.skippable == EVERYTHING
    assert http.receive(packets(OK + b"\r\n")) == []
    assert http.skip(5, 1, 1) == []
    assert http.close(1, 1) == []


def test_final_responses_use_up_expected_methods() -> None:
    http = parser("response", b"GET", b"HEAD", b"GET")
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    answers = OK + b"Content-Length: 2\r\n\r\nok" + OK + b"Content-Length: 5\r\n\r\n"
    assert story(http.receive(packets(interim + answers + OK + b"Content-Length: 1\r\n\r\n!"))) == [
        "100", "200", "body ok", "end 2", "200", "end 0", "200", "body !", "end 1",
    ]  # fmt: skip


@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize("wanted", [0, 3, EVERYTHING])
@pytest.mark.parametrize(
    ("role", "head"),
    [
        ("request", b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"),
        ("response", b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 5\r\n\r\n"),
        ("response", b"HTTP/1.1 200 OK\r\nContent-Length: 05, 5\r\n\r\n"),
    ],
)
def test_a_message_that_is_whole_in_a_segment_is_what_it_is_in_several(
    role: Role, head: bytes, wanted: int, placed: bool
) -> None:
    def told(pieces: list[bytes]) -> list[Event]:
        http = Http1Parser(role, wants_body=lambda head: wanted, places=placed)
        return merged(http.receive([(7, 1, piece) for piece in pieces]))

    at_once = told([head + b"hello"])
    assert at_once == told([head, b"hello"]) == told([head[:9], head[9:] + b"he", b"llo"])
    assert sum(isinstance(event, MessageEnd) for event in at_once) == 1


def test_what_is_odd_in_a_head_that_is_whole_is_told_of_its_packet() -> None:
    http = parser("request")
    http.receive([(0, 1, b"GET / HTTP/1.1\r\n\r\n")])
    events = http.receive([(0, 2, b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n")])
    assert story(events) == ["GET /", "fault bad-length @2", "end 0"]
