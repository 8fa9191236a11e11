"""Of event streams the fields stay, of their data what stays of JSON."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspector.credentials.masking import Masker
from inspector.protocols.sse import EVENT_LIMIT, SseParser
from inspector.redaction.event_bodies import EventsBody
from inspector.secret import Secret

KEY = b"sk-proj-" + 40 * b"LABONLY9"
DELTA = b'event: content_block_delta\ndata: {"type":"text_delta","text":"a word"}\n\n'
HIDDEN = b'event: content_block_delta\ndata: {"type":"text_delta","text":"xxxxxx"}\n\n'


def shown(data: bytes, cuts: tuple[int, ...] = ()) -> bytes:
    body = EventsBody(Masker(b"lab"))
    out = b""
    for start, stop in zip((0, *cuts), (*cuts, len(data)), strict=True):
        out += body.feed(data[start:stop])
    return out + body.finish()


def test_an_event_keeps_its_name_and_the_structure_of_its_data() -> None:
    assert shown(DELTA + b"data: [DONE]\n\n") == HIDDEN + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b": a comment", b":xxxxxxxxxx"),
        (b"id: 17-words", b"id: xxxxxxxx"),
        (b"retry: 3000", b"retry: 3000"),
        (b"retry: 123456789012", b"retry: xxxxxxxxxxxx"),
        (b"event: " + 41 * b"aB", b"event: " + 82 * b"x"),
        (b"data: words", b"data: xxxxx"),
        (b"data:12", b"data:12"),
        (b"data", b"data"),
        (b"other: words", b"xxxxx:xxxxxx"),
        (b'other: {"a"', b"xxxxxxxxxxx"),
        (b"no field", b"xxxxxxxx"),
        (b"data: [DONE] ", b"data: [DONE] "),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_line_keeps_its_field_and_what_has_its_form(line: bytes, kept: bytes, end: bytes) -> None:
    assert shown(line + end + end) == kept + end + end


def test_data_in_several_lines_is_one_text() -> None:
    data = b'data: {"a":"b",\r\ndata: "type":\r\ndata:"ping"}\r\n\r\n'
    assert shown(data) == data.replace(b'"b"', b'"x"')


def test_an_error_written_into_the_midst_of_an_event_stays_one() -> None:
    error = b'{"error":"Response stream error","message":"aborted"}'
    for before in (b"", b'event: ping\ndata: {"type":"pi', b'event: ping\ndata: {"a":"b"}\n'):
        assert shown(before + error).endswith(error)
        assert len(shown(before + error)) == len(before + error)


def test_a_key_in_the_name_of_an_event_is_masked_as_one() -> None:
    data = shown(b"event: " + KEY + b"\ndata: {}\n\n")
    assert data.startswith(b"event: sk-proj-xxxx")
    assert b"LABONLY" not in data


def test_an_event_that_is_too_long_keeps_its_name_and_its_lines() -> None:
    long = b'event: ping\ndata: {"a":"' + b"words " * (EVENT_LIMIT // 4) + b'"}\n'
    data = b"".join(long[at : at + 4096] for at in range(0, len(long), 4096)) + b"id: 7\n\n" + DELTA
    cuts = tuple(range(4096, len(data), 4096))
    masked = shown(data, cuts)
    assert masked.startswith(b'event: ping\ndata: {"a":"xxxx')
    assert masked.endswith(b"\nxxxxx\n\n" + HIDDEN)
    assert len(masked) == len(data)


def test_behind_a_gap_lines_are_read_again() -> None:
    body = EventsBody(Masker(b"lab"))
    out = body.feed(DELTA + b'event: ping\ndata: {"a":"wor') + body.flush()
    assert out == HIDDEN + b'event: ping\ndata: {"a":"xxx'
    body.gap()
    assert body.feed(b'ds"}\n\n' + DELTA) + body.finish() == b"xxxx\n\n" + HIDDEN


LINES = st.sampled_from([
    b'data: {"type":"ping","a":"b c"}', b"data: {", b"event: ping", b"event: a b", b": c", b"id: 1",
    b"", b"", b"words", b"x: y", b'data: {"error":{"message":"no"}}', b'"a": {', b"\xff\xfe",
    b"data: [DONE]", b"data: 1", b'{"error":"a","message":"b"}', b"\xef\xbb\xbfdata: 2",
])  # fmt: skip


@given(st.lists(LINES, max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(0, 99))
@example([b"", b"\xef\xbb\xbfdata: 2", b"data: [DONE]", b"", b"data: 1"], b"\n", 0)
def test_cut_anywhere_a_parser_counts_the_same(lines: list[bytes], end: bytes, seed: int) -> None:
    data = end.join(lines)
    chance = random.Random(seed)
    cuts = tuple(sorted(chance.sample(range(len(data) + 1), min(len(data), 4))))
    masked = shown(data)
    assert shown(data, cuts) == masked
    assert shown(data, tuple(range(1, len(data)))) == masked
    assert shown(masked) == masked
    assert counted(masked) == counted(data)


@pytest.mark.parametrize(
    "name", [b"lab \xff on", "lab\u200bon".encode(), b"lab\x07on", b"lab\xe2\x80"]
)
def test_the_length_of_a_name_that_is_no_text_is_told_of_a_copy_as_well(name: bytes) -> None:
    def length(data: bytes) -> int:
        parser = SseParser()
        parser.feed([(1, 1, data)])
        (told,) = parser.finish(True).names
        return len(told.encode())

    data = b"event: " + name + b"\ndata: {}\n\n"
    assert name not in shown(data)
    assert length(shown(data)) == length(data) == len(name)


def counted(data: bytes) -> tuple[object, ...]:
    parser = SseParser()
    parser.feed([(1, 1, data)])
    stream = parser.finish(True)
    names = sorted(count for count in stream.names.values())
    return (
        stream.events,
        names,
        stream.malformed,
        stream.truncated,
        stream.terminated,
        parser.told.faults,
    )


# -- events that differ in what they say alone ------------------------------------------------

FRAMES = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"%s"}}\n\n',
    b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n',
    b'data: {"type":"response.output_text.delta","delta": "%s","sequence_number":7}\n\n',
    b'data: {"text":"a", "content":"%s", "text":"b"}\n\n',
    b'data: {"a":"\\"text\\":\\"", "text":"%s"}\n\n',
    b'data: {"content" "text":"%s","type":"message"}\n\n',
    b'data: "text":"%s","type":"message"\n\n',
    b'data: {"x" "text":"\n data: %s", "type":"error"}\n\n',
    b'event: error\ndata: {"error":{"message":"%s","text":"a"}}\n\n',
    b': "text":"%s"\ndata: {}\n\n',
)
SAID = (
    b"a word", b"1", b"true", b"12,", b"{", b'\\"', b"\\n", b"\\u0041", b"", b"x", b"f\xc3\xbcr",
    b"\xff", b"sk-ant-placeholder-key-for-credential-isolation", b'","type":"message',
    b"sk-ant-api03-" + 5 * b"LABONLY7", b"xxxx12345678", b"[DONE]",
)  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("first", SAID)
def test_an_event_is_masked_as_if_none_like_it_had_come_before(frame: bytes, first: bytes) -> None:
    for then in SAID:
        both = frame.replace(b"%s", first) + frame.replace(b"%s", then)
        alone = [shown(frame.replace(b"%s", said)) for said in (first, then)]
        assert shown(both) == b"".join(alone)


def test_what_was_written_before_a_key_was_learnt_is_not_written_again() -> None:
    masker = Masker(b"lab")
    body = EventsBody(masker)
    event = b'data: {"type":"LABONLYqwertyuiop","text":"%s"}\n\n'
    before = body.feed(event % b"one")
    masker.vault.learn(Secret(b"LABONLYqwertyuiop"))
    after = body.feed(event % b"two")
    assert before.endswith(b'"text":"xxx"}\n\n')
    assert b"LABONLY" not in after
