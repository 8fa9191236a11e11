"""What the compiled core takes of a body is what the parsers would have read there."""

from __future__ import annotations

import json

import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspector.protocols.compiled import EventCount, whole_chunks
from tests.flows.build import native_core
from tests.protocols.conftest import packed

HEAD = b"event: content_block_delta"
DELTA = b'{"delta": {"text": "a \\u00e9 \\n"}, "index": 0, "n": [-1.5, true, null, {}]}'


def event(data: bytes, head: bytes = HEAD) -> bytes:
    return head + b"\ndata: " + data + b"\n\n"


def counted(*texts: bytes) -> int:
    """How many of the pieces the core takes for events with nothing to tell."""
    names = {"content_block_delta": 0, "ping": 0}
    heads = {HEAD: "content_block_delta", b"event: ping": "ping"}
    counter = EventCount(native_core(), heads)
    counter.heard.last = counter.heard.longest = -1
    pieces = packed([(number * 10, number, text) for number, text in enumerate(texts, 1)])
    taken = counter.take(pieces, 0, names)
    assert sum(names.values()) == taken
    if taken:
        assert counter.heard.last == taken * 10
        assert counter.heard.longest == (10 if taken > 1 else -1)
    return taken


def test_events_of_known_heads_are_counted_by_name_up_to_the_first_other() -> None:
    ping = event(b"{}", b"event: ping")

    assert counted(event(DELTA), ping, event(DELTA)) == 3
    assert counted(event(DELTA), event(DELTA, b"event: message_stop"), event(DELTA)) == 1


@pytest.mark.parametrize(
    "text",
    [
        event(DELTA)[:-1],
        event(DELTA)[:-2],
        event(DELTA) + b"\n",
        event(DELTA) + event(DELTA),
        event(DELTA).replace(b"\ndata", b"\r\ndata"),
        event(DELTA + b"\ndata: {}"),
        event(DELTA + b"\r"),
        event(DELTA, HEAD + b" "),
        event('{"text": "é"}'.encode()),
        event(b"{} {}"),
        event(b'{"a" 1}'),
        event(b"[1,]"),
        event(b'{"a": 01}'),
        event(b'{"a": "\\x"}'),
        event(b'{"a": "\\ud800"}'),
        event(b"[DONE]"),
        event(b""),
        b"",
    ],
)
def test_what_needs_a_closer_look_is_left(text: bytes) -> None:
    assert counted(text) == 0


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(documents, st.integers(0, 60), st.sampled_from([*map(chr, b'{}[]:,"\\u01.e-'), "", " "]))
@example("\ud83d\ude00", 200, "")
def test_no_text_is_taken_for_json_that_is_none(document: object, at: int, put: str) -> None:
    """However a document is damaged: what the core takes two other programs read, too."""
    whole = json.dumps(document)
    for text in (whole, whole[:at] + put + whole[at:], whole[:at] + put + whole[at + 1 :]):
        if counted(event(text.encode())):
            orjson.loads(text)
            msgspec.json.decode(text.encode())


def test_a_document_may_be_nested_and_is_left_where_it_is_nested_deeply() -> None:
    assert counted(event(b"[" * 60 + b"]" * 60)) == 1
    assert counted(event(b"[" * 61 + b"]" * 61)) == 0


def chunks(*texts: bytes) -> tuple[list[bytes], int, int]:
    segments = packed([(0, n, each) for n, each in enumerate(texts)])
    found = whole_chunks(native_core(), segments, 0, 0)
    assert found.body == found.pieces.size
    assert found.passed == sum(map(len, texts[: found.at]))
    return [data for _, _, data in found.pieces], found.at, found.position


def test_chunks_that_lie_whole_in_their_segments_are_taken() -> None:
    assert chunks(b"3\r\nabc\r\n1\r\nd\r\n", b"a\r\n0123456789\r\n") == (
        [b"abc", b"d", b"0123456789"],
        2,
        0,
    )


@pytest.mark.parametrize(
    "rest",
    [
        b"0\r\n\r\n",
        b"03\r\nabc\r\n",
        b"3;a=b\r\nabc\r\n",
        b"3 \r\nabc\r\n",
        b"+3\r\nabc\r\n",
        b"3\nabc\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\r",
        b"3\r\nab",
        b"3\r",
        b"g\r\nabc\r\n",
        b"f" * 20 + b"\r\nabc\r\n",
        b"\r\n",
    ],
)
def test_the_first_chunk_line_that_needs_a_closer_look_is_where_it_stops(rest: bytes) -> None:
    assert chunks(b"2\r\nok\r\n", b"2\r\nok\r\n" + rest, b"2\r\nno\r\n") == ([b"ok", b"ok"], 1, 7)


def test_more_chunks_than_one_call_gives_come_in_order() -> None:
    count = 3000
    found, at, position = chunks(b"".join(b"4\r\n%04d\r\n" % n for n in range(count)))

    assert found == [b"%04d" % n for n in range(count)]
    assert (at, position) == (1, 0)
