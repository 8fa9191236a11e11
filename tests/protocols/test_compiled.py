"""What the compiled core takes of a body is what the parsers would have read there."""

from __future__ import annotations

import json

import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspector.protocols.api import is_plain_chunk
from inspector.protocols.compiled import EventCount, whole_chunks
from tests.flows.build import native_core
from tests.protocols.conftest import packed

HEAD = b"event: content_block_delta"
DELTA = b'{"delta": {"text": "a \\u00e9 \\n"}, "index": 0, "n": [-1.5, true, null, {}]}'


def event(data: bytes, head: bytes = HEAD) -> bytes:
    return head + b"\ndata: " + data + b"\n\n"


def counted(*texts: bytes, plain: bool = False) -> int:
    """How many of the pieces the core takes for events with nothing to tell."""
    names = {"content_block_delta": 0, "ping": 0, "message": 0}
    heads = {HEAD: "content_block_delta", b"event: ping": "ping"}
    counter = EventCount(native_core(), heads)
    counter.heard.last = counter.heard.longest = -1
    pieces = packed([(number * 10, number, text) for number, text in enumerate(texts, 1)])
    taken = counter.take(pieces, 0, names, "message" if plain else None)
    assert sum(names.values()) == b"".join(texts[:taken]).count(b"\n\n")
    assert plain or not names["message"]
    if taken:
        assert counter.heard.last == taken * 10
        assert counter.heard.longest == (10 if taken > 1 else -1)
    return taken


def test_events_of_known_heads_are_counted_by_name_up_to_the_first_other() -> None:
    ping = event(b"{}", b"event: ping")

    assert counted(event(DELTA), ping, event(DELTA)) == 3
    assert counted(event(DELTA), event(DELTA, b"event: message_stop"), event(DELTA)) == 1


def test_a_piece_may_hold_several_events() -> None:
    assert counted(event(DELTA) * 3, event(DELTA), event(DELTA) * 64) == 3
    assert counted(event(DELTA), event(DELTA) * 65) == 1
    assert counted(event(DELTA) + event(DELTA, b"event: message_stop"), event(DELTA)) == 0


@pytest.mark.parametrize("at", range(1, len(event(DELTA))))
def test_an_event_may_come_in_several_pieces(at: int) -> None:
    first, second = event(DELTA)[:at], event(DELTA)[at:]

    assert counted(event(DELTA), first, second, event(DELTA)) == 4
    assert counted(event(DELTA) + first, second + event(DELTA)) == 2
    assert counted(event(DELTA), first, b"", second) == 4
    assert counted(event(DELTA), first) == 1
    assert counted(event(DELTA) + first, second + first) == 0


def test_pieces_between_which_something_stands_are_no_one_event() -> None:
    pieces = packed([(0, 1, event(DELTA)[:9] + b"9"), (0, 2, event(DELTA)[9:])])
    pieces.places[3] -= 1  # the first ends before what stands between them
    counter = EventCount(native_core(), {HEAD: "delta"})

    assert counter.take(pieces, 0, {"delta": 0}, None) == 0


@pytest.mark.parametrize(
    "text",
    [
        event(DELTA)[:-1],
        event(DELTA)[:-2],
        event(DELTA) + b"\n",
        event(DELTA) + b"\n\n",
        event(DELTA).replace(b"\ndata", b"\r\ndata"),
        event(DELTA + b"\ndata: {}"),
        event(DELTA + b"\r"),
        event(DELTA, HEAD + b" "),
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


@pytest.mark.parametrize(
    "letters", ["é", "ϟ", "語", "\u0800", "\ud7ff", "\ue000", "😀", "\U0010ffff"]
)
def test_letters_of_any_plane_are_read(letters: str) -> None:
    assert counted(event(f'{{"text": "{letters}"}}'.encode())) == 1


@pytest.mark.parametrize(
    "octets",
    ["80", "c080", "c1bf", "e09fbf", "eda080", "f08fbfbf", "f4908080", "f5808080", "ff", "c3",
     "e8aa", "e8aa22", "f09f98", "c3c3"],
)  # fmt: skip
def test_octets_that_are_no_letter_are_left(octets: str) -> None:
    text = event(b'{"text": "' + bytes.fromhex(octets) + b'"}')

    assert counted(text) == 0
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(text.partition(b"data: ")[2])


CHUNK = (
    b'{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}'
)


@pytest.mark.parametrize("at", range(18))
def test_of_a_string_every_byte_is_looked_at_wherever_it_stands(at: int) -> None:
    for octet in range(256):
        text = b'{"t":"' + b"a" * at + bytes((octet,)) + b"z" * (17 - at) + b'"}'
        is_plain = 0x20 <= octet < 0x80 and octet not in b'"\\'
        assert counted(event(text)) == is_plain, octet


def unnamed(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def test_plain_chunks_are_counted_where_they_are_known() -> None:
    last = CHUNK.replace(b"null", b'"stop"')

    assert counted(unnamed(CHUNK), event(DELTA), unnamed(CHUNK), plain=True) == 3
    assert counted(unnamed(CHUNK)) == 0
    assert counted(unnamed(CHUNK), unnamed(last), plain=True) == 1


@pytest.mark.parametrize(
    ("old", "new", "is_plain"),
    [
        (b"", b"", True),
        (b'"id"', b'"usage":null,"id"', True),
        (b',"finish_reason":null', b"", True),
        (b"[{", b"[ {", True),
        (b'"id"', b'"usage":{},"id"', False),
        (b'"id"', b'"error":null,"id"', False),
        (b'"id"', b'"type":"error","id"', False),
        (b'"id"', b'"\\u0065rror":{},"id"', False),
        (b'"choices":[', b'"choices":[],"choices":[', False),
        (b"}]}", b"},{}]}", False),
        (b'"choices":[{', b'"choices":[[],{', False),
        (b'"choices":', b'"choice":', False),
        (b"null}", b'null,"finish_reason":"stop"}', False),
        (b"}]}", b"}]}x", False),
        (b"}]}", b"}]", False),
        (b'"choices":[{', b'"choices":{"a":{', False),
    ],
)
def test_a_chunk_that_may_tell_something_is_left(old: bytes, new: bytes, is_plain: bool) -> None:
    data = CHUNK.replace(old, new, 1) if old else CHUNK
    if is_plain:
        assert is_plain_chunk(orjson.loads(data))
    assert counted(unnamed(data), plain=True) == is_plain


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


def test_chunks_are_taken() -> None:
    assert chunks(b"3\r\nabc\r\n1\r\nd\r\n", b"a\r\n0123456789\r\n") == (
        [b"abc", b"d", b"0123456789"],
        2,
        0,
    )


@pytest.mark.parametrize("at", range(19))
def test_a_chunk_that_came_in_several_segments_is_a_piece_of_each(at: int) -> None:
    first, second = b"3\r\nabc\r\n", b"5\r\nhello\r\n"
    text = first + second
    pieces = [piece for piece in (b"abc"[: max(0, at - 3)], b"abc"[max(0, at - 3) :]) if piece]
    start = max(0, at - len(first) - 3)
    pieces += [piece for piece in (b"hello"[:start], b"hello"[start:]) if piece]

    assert chunks(text[:at], b"", text[at:]) == (pieces, 3, 0)
    assert chunks(text[:at]) == (
        [b"abc", b"hello"][: (at >= len(first)) + (at >= len(text))],
        int(at in (0, len(first), len(text))),
        len(first) if len(first) < at < len(text) else 0,
    )


def test_segments_between_which_something_stands_have_no_chunk_in_common() -> None:
    segments = packed([(0, 1, b"2\r\nok\r\n3\r\na?"), (0, 2, b"bc\r\n2\r\nok\r\n")])
    segments.places[3] -= 1
    found = whole_chunks(native_core(), segments, 0, 0)

    assert (found.pieces.joined, found.at, found.position) == (b"ok", 0, 7)


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
        b"3\r",
        b"g\r\nabc\r\n",
        b"f" * 20 + b"\r\nabc\r\n",
        b"\r\n",
    ],
)
def test_the_first_chunk_line_that_needs_a_closer_look_is_where_it_stops(rest: bytes) -> None:
    assert chunks(b"2\r\nok\r\n", b"2\r\nok\r\n" + rest, b"2\r\nno\r\n") == ([b"ok", b"ok"], 1, 7)
    assert chunks(b"2\r\nok\r\n" + rest) == ([b"ok"], 0, 7)


def test_more_chunks_than_one_call_gives_come_in_order() -> None:
    count = 3000
    found, at, position = chunks(b"".join(b"4\r\n%04d\r\n" % n for n in range(count)))

    assert found == [b"%04d" % n for n in range(count)]
    assert (at, position) == (1, 0)
