"""Event streams: framing by the standard, endings by provider, damage by name."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspector.model.http import ApiError, EventStream, Usage
from inspector.protocols.event_facts import (
    DEFAULT_NAME,
    FAULTS_LIMIT,
    NAME_LIMIT,
    NAMES_LIMIT,
    OTHER,
)
from inspector.protocols.sse import EVENT_LIMIT, FAULTS, SseParser
from inspector.wire import Segment
from tests.protocols.conftest import packed

SECOND = 1_000_000_000


def pieces(parts: Iterable[bytes]) -> list[Segment]:
    """Parts as they arrive, one a second, in packets 1, 2, 3…"""
    return [(number * SECOND, number, part) for number, part in enumerate(parts, 1)]


def read(*parts: bytes, complete: bool = True) -> tuple[EventStream, SseParser]:
    """What a stream tells, after proving that it tells the compiled core the same."""
    parser = SseParser()
    for piece in pieces(parts):
        parser.feed([piece])
    stream = parser.finish(complete)
    for every in (1, 7, len(parts) or 1):
        other = SseParser()
        for at in range(0, len(parts), every):
            other.feed(packed(pieces(parts)[at : at + every]))
        assert other.finish(complete) == stream
        assert other.told.faults == parser.told.faults
    return stream, parser


def cut(data: bytes, how: str) -> list[bytes]:
    """The same bytes whole, byte by byte, or in pieces of random length."""
    if how == "whole":
        return [data]
    if how == "bytewise":
        return [data[i : i + 1] for i in range(len(data))]
    chance = random.Random(len(data))
    parts = []
    while data:
        size = chance.randint(1, 90)
        parts.append(data[:size])
        data = data[size:]
    return parts


CUTS = pytest.mark.parametrize("how", ["whole", "bytewise", "random"])


def event(name: str | None, document: Any) -> bytes:
    data = document if isinstance(document, str) else json.dumps(document)
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


# --- one healthy stream of each provider ---

START = event(
    "message_start",
    {
        "type": "message_start",
        "message": {
            "model": "claude-sonnet-4-5-20250929",
            "stop_reason": None,
            "usage": {"input_tokens": 37, "output_tokens": 1},
        },
    },
)
DELTA = event(
    "content_block_delta",
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "pack"}},
)
PING = event("ping", {"type": "ping"})
LAST = event(
    "message_delta",
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 24}},
)
STOP = event("message_stop", {"type": "message_stop"})
ANTHROPIC = [START, PING, DELTA, DELTA, DELTA, LAST, STOP]


def chunk(reason: str | None = None, **members: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": "pack"}, "finish_reason": reason}
    return event(None, {"model": "gpt-4o", "choices": [choice], **members})


OPENAI_CHAT = [
    event(None, {"model": "", "choices": [], "prompt_filter_results": []}),  # Azure's first
    *[chunk()] * 5,
    chunk("stop"),
    event(
        None,
        {"model": "gpt-4o", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
    ),
    event(None, "[DONE]"),
]


def responses(name: str, **response: Any) -> bytes:
    body = {"object": "response", "model": "gpt-4.1", "status": "in_progress", **response}
    return event(name, {"type": name, "response": body})


OPENAI_RESPONSES = [
    responses("response.created"),
    event("response.output_text.delta", {"type": "response.output_text.delta", "delta": "pack"}),
    responses(
        "response.completed", status="completed", usage={"input_tokens": 36, "output_tokens": 87}
    ),
]


def gemini(**candidate: Any) -> bytes:
    usage = {"promptTokenCount": 4, "candidatesTokenCount": 5 if candidate else 2}
    document = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5"}
    return event(None, document).replace(b"\n", b"\r\n")


GEMINI = [gemini(), gemini(), gemini(finishReason="STOP")]

HEALTHY = {
    "anthropic": (ANTHROPIC, "claude-sonnet-4-5-20250929", Usage(37, 24), "end_turn"),
    "openai-chat": (OPENAI_CHAT, "gpt-4o", Usage(9, 5), "stop"),
    "openai-responses": (OPENAI_RESPONSES, "gpt-4.1", Usage(36, 87), "completed"),
    "gemini": (GEMINI, "gemini-2.5", Usage(4, 5), "STOP"),
}


@CUTS
@pytest.mark.parametrize("grammar", HEALTHY)
def test_a_healthy_stream_is_terminated_and_states_its_facts(grammar: str, how: str) -> None:
    events, model, usage, stop_reason = HEALTHY[grammar]
    stream, parser = read(*cut(b"".join(events), how))
    assert stream.events == len(events)
    assert stream.terminated
    assert (stream.malformed, stream.truncated, stream.error) == (0, False, None)
    assert (parser.told.facts.model, parser.told.facts.usage, parser.told.facts.stop_reason) == (
        model,
        usage,
        stop_reason,
    )
    assert parser.told.grammar == grammar
    assert parser.told.facts.api_error is None
    assert parser.told.faults == []


@pytest.mark.parametrize("grammar", HEALTHY)
def test_without_its_last_event_a_stream_is_not_terminated(grammar: str) -> None:
    stream, parser = read(*HEALTHY[grammar][0][:-1])
    assert not stream.terminated
    assert not stream.truncated  # the framing was sound; what misses is the provider's own end
    assert parser.told.grammar == grammar


def test_events_are_counted_by_their_event_field() -> None:
    stream, _ = read(*ANTHROPIC)
    assert stream.names == {
        "message_start": 1,
        "ping": 1,
        "content_block_delta": 3,
        "message_delta": 1,
        "message_stop": 1,
    }


def test_events_without_a_name_count_as_message_and_the_last_as_done() -> None:
    stream, _ = read(*OPENAI_CHAT)
    assert stream.names == {DEFAULT_NAME: 8, "[DONE]": 1}


def test_a_type_in_the_data_stands_in_for_a_missing_event_field() -> None:
    unnamed = [re.sub(rb"event: .*\n", b"", part) for part in ANTHROPIC]
    stream, parser = read(*unnamed)
    assert stream.names == {DEFAULT_NAME: len(ANTHROPIC)}
    assert stream.terminated
    assert (parser.told.grammar, parser.told.facts.usage) == ("anthropic", Usage(37, 24))


@pytest.mark.parametrize(
    ("last", "stop_reason"),
    [
        (
            responses(
                "response.incomplete",
                status="incomplete",
                incomplete_details={"reason": "max_output_tokens"},
            ),
            "max_output_tokens",
        ),
        (responses("response.failed", status="failed", error={"code": "server_error"}), "failed"),
    ],
)
def test_every_ending_of_a_response_terminates(last: bytes, stop_reason: str) -> None:
    stream, parser = read(responses("response.created"), last)
    assert stream.terminated
    assert parser.told.facts.stop_reason == stop_reason


def test_input_tokens_may_come_at_the_end() -> None:
    late = event("message_delta", {"usage": {"input_tokens": 50, "output_tokens": 2}})
    _, parser = read(START, late)
    assert parser.told.facts.usage == Usage(50, 2)


def test_an_unknown_grammar_is_said_to_be_unknown() -> None:
    stream, parser = read(b"event: endpoint\ndata: /messages?session=1\n\n", b"data: hello\n\n")
    assert parser.told.grammar is None
    assert (stream.events, stream.malformed, stream.terminated) == (2, 0, False)


# --- framing, against the standard's own algorithm ---


def reference(text: bytes) -> Counter[str]:
    """HTML 9.2.6 applied to a whole stream: event types of the dispatched events."""
    dispatched: Counter[str] = Counter()
    kind, data = "", None
    lines = re.split(rb"\r\n|\n|\r", text.removeprefix(b"\xef\xbb\xbf"))
    for line in lines[:-1]:
        if not line:
            if data is not None:
                dispatched[
                    "[DONE]" if not kind and data.strip(b" ") == b"[DONE]" else kind or "message"
                ] += 1
            kind, data = "", None
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            kind = value.decode()
        elif field == b"data":
            data = value if data is None else data + b"\n" + value
    return dispatched


LINES = st.sampled_from(
    [
        *(
            b"data: {}",
            b"data:{}",
            b"data: [1",
            b"data",
            b"data:",
            b"data:  [DONE]",
            b"data: [DONE]",
        ),
        *(b"event: ping", b"event:a", b"event", b"event: message_stop", b": comment", b":", b""),
        *(b"id: 7", b"retry: 10", b"unknown: 1", b"dat: {", b"\xef\xbb\xbfdata: 1", b" data: 1"),
    ]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\r", b"\r\n\r\n"])))


@given(STREAMS, st.booleans(), st.randoms(use_true_random=False))
@example([(b"data: {}", b"\r"), (b"", b"\n"), (b"", b"\n")], False, random.Random(1))
@example([(b"", b"\n"), (b"data: {}", b"\n\n")], True, random.Random(1))
def test_events_are_those_of_the_standard_however_they_are_cut(
    lines: list[tuple[bytes, bytes]], bom: bool, chance: random.Random
) -> None:
    text = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + end for line, end in lines)
    borders = sorted(chance.randint(0, len(text)) for _ in range(6))
    parts = [text[i:j] for i, j in zip([0, *borders], [*borders, len(text)], strict=True)]
    expected = reference(text)
    for how in ([text], cut(text, "bytewise"), parts):
        stream, _ = read(*how)
        assert stream.names == expected


@given(STREAMS, st.randoms(use_true_random=False))
@example([(b"", b"\n"), (b"\xef\xbb\xbfdata: 1", b"\n\n")], random.Random(1))
def test_all_but_the_times_is_the_same_however_it_is_cut(
    lines: list[tuple[bytes, bytes]], chance: random.Random
) -> None:
    text = b"".join(line + end for line, end in lines)
    border = chance.randint(0, len(text))

    def timeless(*parts: bytes) -> tuple[object, ...]:
        stream, parser = read(*parts)
        names = [fault.name for fault in parser.told.faults]
        return stream.names, stream.malformed, stream.truncated, stream.terminated, names

    whole = timeless(text)
    assert timeless(*cut(text, "bytewise")) == whole
    assert timeless(text[:border], text[border:]) == whole


@CUTS
def test_data_of_several_lines_is_one_document(how: str) -> None:
    text = b'event: error\ndata: {"error":\ndata: {"type":"overloaded_error"}}\n\n'
    stream, _ = read(*cut(text, how))
    assert (stream.events, stream.malformed, stream.error) == (1, 0, "overloaded_error")


def test_comments_and_blank_lines_are_no_events() -> None:
    stream, _ = read(b": keep-alive\n\n", b"\n\n\n", b":\r\n\r\n")
    assert (stream.events, stream.malformed, stream.truncated) == (0, 0, False)


# --- times ---


def test_times_are_those_of_the_pieces_that_complete_events() -> None:
    parser = SseParser()
    parser.feed([(10, 1, START[:20]), (20, 2, START[20:] + PING[:5])])
    parser.feed([(25, 3, PING[5:])])
    parser.feed([(90, 4, b": comment\n\n")])
    stream = parser.finish(True)
    assert (stream.first_event_at, stream.last_event_at) == (20, 25)
    assert stream.longest_silence == pytest.approx(65e-9)


def test_the_quick_way_keeps_the_same_times_as_the_thorough_one() -> None:
    quick, _ = read(*[PING] * 5)
    thorough, _ = read(*[PING.replace(b"\n", b"\r\n")] * 5)
    assert quick == thorough
    assert quick.last_event_at == 5 * SECOND


def test_one_arrival_has_no_silence_and_no_event_has_no_time() -> None:
    stream, _ = read(b": hello\n\n")
    assert (stream.longest_silence, stream.first_event_at, stream.last_event_at) == (None,) * 3


# --- errors ---


@CUTS
@pytest.mark.parametrize(
    ("tail", "error", "api_error"),
    [
        (
            event(
                "error", {"type": "error", "error": {"type": "overloaded_error", "message": "O"}}
            ),
            "overloaded_error",
            ApiError("overloaded_error", "O"),
        ),
        (
            event(None, {"error": {"message": "Slow down", "type": "rate_limit", "code": None}}),
            "rate_limit",
            ApiError("rate_limit", "Slow down"),
        ),
        (
            event("error", {"type": "error", "code": "server_error", "message": "Sorry"}),
            "server_error",
            ApiError("server_error", "Sorry"),
        ),
        (event("error", {"message": "Sorry"}), "Sorry", ApiError(None, "Sorry")),
        (event("error", "upstream gone"), "error", None),
        (
            responses("response.failed", error={"code": "server_error", "message": "Sorry"}),
            "server_error",
            ApiError("server_error", "Sorry"),
        ),
    ],
    ids=["anthropic", "openai-chat", "openai-responses", "bare", "no-json", "response-failed"],
)
def test_an_error_in_the_stream_is_named(
    tail: bytes, error: str, api_error: ApiError | None, how: str
) -> None:
    stream, parser = read(*cut(START + DELTA + tail, how))
    assert stream.error == error
    assert parser.told.facts.api_error == api_error


@CUTS
@pytest.mark.parametrize("cut_event", [b"", b"event: content_bl", DELTA[:-20], DELTA[:-1]])
def test_the_proxys_own_error_is_found_wherever_the_stream_broke(
    cut_event: bytes, how: str
) -> None:
    bare = b'{"error":"Response stream error","message":"aborted"}'
    stream, parser = read(*cut(START + DELTA + cut_event + bare, how))
    assert stream.error == "Response stream error"
    assert parser.told.facts.api_error == ApiError("Response stream error", "aborted")
    assert (stream.malformed, stream.truncated, stream.terminated) == (1, True, False)
    assert [fault.name for fault in parser.told.faults] == ["sse-bare-error"]


def test_text_that_quotes_an_error_is_no_error() -> None:
    quoted = DELTA.replace(b"pack", rb"{\"error\":\"Response stream error\"}")
    stream, parser = read(START, quoted, STOP)
    assert (stream.error, parser.told.facts.api_error, stream.malformed) == (None, None, 0)


# --- damage ---


@CUTS
@pytest.mark.parametrize(
    "broken",
    [
        b'event: content_block_delta\ndata {"type":"content_block_delta"}\n\n',  # as recorded
        b'event: content_block_delta\nda{"type":"content_block_delta"}\n\n',
        b'event: content_block_delta\n{"type":"content_block_delta"}\n\n',
        b'dat: {"type":"ping"}\n\n',
        b'a: {"type":"ping"}\n\n',
        b"data: {}\n  garbage\n\n",
        b'event: ping\ndata: {"type":"ping\n\n',
        b'event: content_block_delta\ndata: {"type":"content_block_delta"\n\n',
        b"event: message_stop\ndata: message_stop\n\n",
        b"data: [DONE\n\n",
        b'data: {"a":"\xff"}\n\n',
    ],
)
def test_a_broken_event_counts_once_and_leaves_its_neighbours_alone(
    broken: bytes, how: str
) -> None:
    stream, parser = read(*cut(START + DELTA + broken + DELTA + STOP, how))
    assert stream.malformed == 1
    assert stream.names["content_block_delta"] >= 2
    assert stream.terminated
    assert not stream.truncated
    assert [fault.name for fault in parser.told.faults] in (
        ["sse-broken-line"],
        ["sse-broken-json"],
    )


@pytest.mark.parametrize("line", [b"x-trace: 7", b"id: {", b"retry: [", b": {", b"data"])
def test_what_the_standard_allows_is_not_broken(line: bytes) -> None:
    stream, _ = read(b"event: note\n" + line + b"\n\n")
    assert stream.malformed == 0


def test_a_fault_names_the_packet_that_completed_the_event() -> None:
    _, parser = read(START, b"dat", b"a {", b"\n", b"\n", STOP)
    assert [(fault.name, fault.packet) for fault in parser.told.faults] == [("sse-broken-line", 5)]


@pytest.mark.parametrize("end", [1, 2, 30])
def test_a_stream_that_ends_inside_an_event_is_truncated(end: int) -> None:
    stream, _ = read(START + DELTA, STOP[:-end])
    assert stream.truncated
    assert not stream.terminated
    assert stream.events == 2


def test_a_stream_whose_message_is_incomplete_is_truncated() -> None:
    assert read(*ANTHROPIC, complete=False)[0].truncated
    assert not read(*ANTHROPIC, complete=True)[0].truncated


def test_line_ends_after_the_last_event_are_no_event() -> None:
    assert not read(STOP + b"\n")[0].truncated
    assert not read(STOP.replace(b"\n", b"\r\n") + b"\r\n")[0].truncated


# --- gaps ---


def with_gap(before: bytes, after: bytes, how: str) -> tuple[EventStream, SseParser]:
    parser = SseParser()
    parser.feed(pieces([before]))
    parser.gap(100, 2)
    for at, packet, data in pieces(cut(after, how)):
        parser.feed([(at, packet + 2, data)])
    return parser.finish(True), parser


@CUTS
def test_halves_on_both_sides_of_a_gap_are_never_joined(how: str) -> None:
    # Joined, the two halves would be one sound event.
    stream, parser = with_gap(START + DELTA[:60], DELTA[60:] + LAST + STOP, how)
    assert stream.names == {"message_start": 1, "message_delta": 1, "message_stop": 1}
    assert stream.truncated
    assert stream.terminated
    assert (stream.malformed, parser.told.faults) == (0, [])


@CUTS
def test_a_whole_event_right_after_a_gap_counts(how: str) -> None:
    stream, _ = with_gap(START, STOP, how)
    assert stream.names == {"message_start": 1, "message_stop": 1}
    assert stream.truncated


@CUTS
def test_only_the_first_event_after_a_gap_is_excused(how: str) -> None:
    stream, _ = with_gap(START, b'k"}}\n\n' + b"data {}\n\n" + STOP, how)
    assert stream.malformed == 1


# --- limits ---


def test_names_are_bounded_in_number_and_length_and_printable() -> None:
    parser = SseParser()
    for number in range(1000):
        parser.feed(pieces([b"event: n%d\ndata: {}\n\n" % number]))
    parser.feed(pieces([b"event: " + b"x" * 5000 + b"\ndata: {}\n\n"]))
    stream = parser.finish(True)
    assert len(stream.names) == NAMES_LIMIT + 1
    assert stream.names[OTHER] == 1001 - NAMES_LIMIT
    assert [fault.name for fault in parser.told.faults] == ["sse-too-many-names"]

    hostile, _ = read(
        "event: \x1b]0;é\u202e::error::\udcff\ndata: {}\n\n".encode("utf-8", "surrogateescape"),
        b"event: " + b"y" * 5000 + b"\ndata: {}\n\n",
    )
    assert all(name.isprintable() and len(name) <= NAME_LIMIT for name in hostile.names)


def test_faults_are_bounded_while_the_count_goes_on() -> None:
    stream, parser = read(*[b"broken\n\n"] * 1000)
    assert stream.malformed == 1000
    assert len(parser.told.faults) == FAULTS_LIMIT


@pytest.mark.parametrize("size", [1000, 60_000])
def test_an_event_beyond_the_limit_is_counted_and_not_kept(size: int) -> None:
    huge = event(
        "response.completed", {"type": "response.completed", "image": "A" * (EVENT_LIMIT + 99_999)}
    )
    text = responses("response.created") + huge + PING
    stream, parser = read(*(text[i : i + size] for i in range(0, len(text), size)))
    assert stream.names == {"response.created": 1, "response.completed": 1, "ping": 1}
    assert stream.terminated
    assert (stream.malformed, stream.truncated) == (0, False)
    assert [fault.name for fault in parser.told.faults] == ["sse-oversized-event"]


def test_an_endless_line_is_truncated_and_not_kept() -> None:
    parser = SseParser()
    for piece in pieces([b"x" * 65536] * 40):
        parser.feed([piece])
    assert sum(map(len, parser._parts)) <= EVENT_LIMIT
    assert parser.finish(True).truncated


# --- what is never kept ---


def test_neither_prompt_nor_answer_stays_in_the_parser() -> None:
    secret = "LABONLYCANARY"
    events = [
        event("content_block_delta", {"type": "content_block_delta", "text": secret}),
        chunk(delta=secret),
        event(None, secret),
        b"data {" + secret.encode() + b"}\n\n",
    ]
    stream, parser = read(*events)
    kept = [getattr(parser, name) for name in vars(parser)]
    assert secret not in repr((stream, kept))


@given(st.lists(st.binary(max_size=40) | LINES | st.just(b"\n\n"), max_size=20))
def test_no_bytes_raise_and_every_fault_is_documented(parts: list[bytes]) -> None:
    stream, parser = read(*parts)
    assert stream.events == sum(stream.names.values())
    assert all(fault.name in FAULTS for fault in parser.told.faults)
