from __future__ import annotations

import pytest

from inspector.protocols.extent import Extent
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.messages import BodyGap, Event, MessageEnd
from inspector.wire import Segment
from tests.protocols.conftest import parser, story

POST = b"POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def run(http: Http1Parser, *steps: bytes | int) -> list[Event]:
    """Receive bytes, miss an int's number of them; packets are numbered from 1."""
    events: list[Event] = []
    for packet, step in enumerate(steps, 1):
        if isinstance(step, int):
            events += http.gap(step, packet, packet)
        else:
            events += http.receive([(packet, packet, step)])
    return events


def test_a_body_of_known_length_goes_on_behind_a_gap() -> None:
    events = run(parser("request"), POST + b"012", 4, b"789" + NEXT)
    assert story(events) == [
        "POST /a", "body 012", "missing 4 @2", "body 789", "end 10 lost", "GET /next", "end 0",
    ]  # fmt: skip


def test_a_gap_may_end_exactly_where_the_body_ends() -> None:
    http = parser("request")
    events = run(http, POST + b"012", 7)
    assert events[-2:] == [
        BodyGap(7, 2, 43),
        MessageEnd(False, 10, 2, 2, lost=True, extent=Extent(40, 50)),
    ]
    assert story(run(http, NEXT)) == ["GET /next", "end 0"]


def test_a_gap_may_cover_a_whole_body() -> None:
    assert story(run(parser("request"), POST, 10, NEXT)) == [
        "POST /a", "missing 10 @2", "end 10 lost", "GET /next", "end 0",
    ]  # fmt: skip


def test_a_gap_beyond_the_body_ends_it_and_the_next_message_is_looked_for() -> None:
    assert story(run(parser("request"), POST + b"012", 20, NEXT)) == [
        "POST /a", "body 012", "missing 7 @2", "end 10 lost",
        "fault resynchronised @3", "GET /next", "end 0",
    ]  # fmt: skip


def test_a_gap_in_an_unwanted_body_is_told_at_its_end_only() -> None:
    assert story(run(parser("request", wanted=0), POST + b"012", 4, b"789")) == [
        "POST /a", "end 10 lost",
    ]  # fmt: skip


def test_a_gap_uses_up_the_wanted_bytes_it_covers() -> None:
    assert story(run(parser("request", wanted=5), POST + b"012", 4, b"789")) == [
        "POST /a", "body 012", "missing 4 @2", "end 10 lost",
    ]  # fmt: skip


def test_a_chunk_goes_on_behind_a_gap() -> None:
    assert story(run(parser("response", b"GET"), CHUNKED + b"8\r\n01", 3, b"567\r\n0\r\n\r\n")) == [
        "200", "body 01", "missing 3 @2", "body 567", "end 8 lost",
    ]  # fmt: skip


def test_a_gap_to_the_end_of_a_chunk_leaves_its_line_end_to_come() -> None:
    assert story(run(parser("response"), CHUNKED + b"8\r\n01", 6, b"\r\n1\r\nx\r\n0\r\n\r\n")) == [
        "200", "body 01", "missing 6 @2", "body x", "end 9 lost",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "before",
    [b"", b"8", b"8\r", b"8\r\n01234567", b"8\r\n01234567\r", b"0\r\n", b"0\r\nX: y\r\n\r"],
)
def test_a_gap_in_the_frame_of_chunks_ends_the_message(before: bytes) -> None:
    told = story(run(parser("response", wanted=0), CHUNKED + before, 1, OK + b"\r\n"))
    length = 8 if b"7" in before else 0
    assert told == ["200", f"end {length} lost", "fault resynchronised @3", "200"]


def test_a_gap_beyond_a_chunk_ends_the_message_with_what_the_chunk_is_known_to_hold() -> None:
    assert story(run(parser("response"), CHUNKED + b"8\r\n01", 50, OK + b"\r\n")) == [
        "200", "body 01", "missing 6 @2", "end 8 lost", "fault resynchronised @3", "200",
    ]  # fmt: skip


def test_a_close_delimited_body_goes_on_behind_any_gap_but_is_not_complete() -> None:
    http = parser("response")
    events = run(http, OK + b"\r\n01", 500, OK)
    assert story(events + http.close(9, 9)) == [
        "200", "body 01", "missing 500 @2", "body HTTP/1.1 200 OK\r\n", "end 519 lost",
    ]  # fmt: skip


def test_a_head_is_never_joined_across_a_gap() -> None:
    assert story(run(parser("request"), b"GET /a HTTP/1.1\r\nHo", 5, b"x\r\n\r\n", NEXT)) == [
        "GET /a", "fault unfinished-head @1", "end 0 lost",
        "fault resynchronised @4", "GET /next", "end 0",
    ]  # fmt: skip


def test_a_start_line_is_never_joined_across_a_gap() -> None:
    assert story(run(parser("request"), b"GET /", 5, b" HTTP/1.1\r\n\r\n", NEXT)) == [
        "fault unfinished-head @1", "fault resynchronised @4", "GET /next", "end 0",
    ]  # fmt: skip


def test_a_broken_off_response_head_has_answered_its_request() -> None:
    http = parser("response", b"HEAD", b"GET")
    told = story(run(http, OK + b"Content-Le", 9, OK + b"Content-Length: 2\r\n\r\nok"))
    assert told[-3:] == ["200", "body ok", "end 2"]


def test_a_gap_between_messages_may_hide_whole_ones() -> None:
    assert story(run(parser("request"), NEXT, 100, NEXT)) == [
        "GET /next", "end 0", "fault resynchronised @3", "GET /next", "end 0",
    ]  # fmt: skip


def test_out_of_step_only_segment_starts_are_looked_at() -> None:
    quoted = b"a body that quotes\r\n" + NEXT
    assert story(run(parser("request"), NEXT, 100, quoted, quoted, NEXT + NEXT)) == [
        "GET /next", "end 0", "fault resynchronised @5", "GET /next", "end 0", "GET /next", "end 0",
    ]  # fmt: skip


def test_the_next_message_may_begin_in_several_segments() -> None:
    assert story(run(parser("response"), 9, b"\r\nHT", b"TP/1.1 2", b"04 No\r\n", b"\r\n")) == [
        "fault resynchronised @2", "204", "end 0",
    ]  # fmt: skip


def test_a_false_start_hides_no_true_one_behind_it() -> None:
    events = run(parser("response"), 9, b"HTTP", b"HTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 No\r\n\r\n")
    assert story(events) == [
        "fault resynchronised @3", "204", "end 0", "304", "end 0",
    ]  # fmt: skip


def test_all_segments_of_one_call_are_looked_at() -> None:
    http = parser("response")
    http.gap(9, 0, 1)
    segments: list[Segment] = [(0, 2, b"HT"), (0, 3, b"xx"), (0, 4, OK + b"\r\n"), (0, 5, b"hello")]
    assert story(http.receive(segments)) == ["fault resynchronised @4", "200", "body hello"]


def test_a_second_gap_forgets_the_beginning_of_a_message() -> None:
    assert story(run(parser("response"), 9, b"HTTP/1.", 5, b"1 200 OK\r\n\r\n")) == []


def test_a_stream_picked_up_midway_begins_out_of_step_without_a_fault() -> None:
    http = parser("request", midstream=True)
    assert story(run(http, b"of a body", NEXT, 5, NEXT)) == [
        "GET /next", "end 0", "fault resynchronised @4", "GET /next", "end 0",
    ]  # fmt: skip


def test_a_long_false_start_is_given_up() -> None:
    http = parser("request")
    assert story(run(http, 1, b"GET ", *[b"x" * 1000] * 10, NEXT)) == [
        "fault resynchronised @13", "GET /next", "end 0",
    ]  # fmt: skip


def test_a_gap_of_nothing_changes_nothing() -> None:
    assert story(run(parser("request"), POST + b"01234", 0, b"56789")) == [
        "POST /a", "body 0123456789", "end 10",
    ]  # fmt: skip


def test_a_close_out_of_step_is_silent() -> None:
    http = parser("request", midstream=True)
    assert run(http, b"GET /unfini") == []
    assert http.close(1, 1) == []
