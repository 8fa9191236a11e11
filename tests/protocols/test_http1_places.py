"""Every event tells where its bytes stand: `stream[extent]` is what the event says.

The messages are drawn at random and fed whole, byte by byte and split at
random; some bytes are then taken away, and the places of what is left stay.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.extent import Extent, FieldPlace
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.messages import (
    EVERYTHING,
    Body,
    BodyGap,
    ChunkLines,
    Event,
    Field,
    MessageEnd,
    RequestHead,
    ResponseHead,
    Switched,
)
from inspector.wire import Segment
from tests.protocols.conftest import Role, every_way, packets
from tests.protocols.test_http1_oracles import requests, responses

OK = b"HTTP/1.1 200 OK\r\n"


def placed(role: Role, wanted: int = EVERYTHING, start: int = 0) -> Http1Parser:
    return Http1Parser(role, wants_body=lambda head: wanted, places=True, start=start)


def texts(head: RequestHead | ResponseHead) -> Iterator[tuple[Extent, bytes]]:
    """What a head says, and where it says that it says it."""
    if isinstance(head, RequestHead):
        yield head.method_extent, head.method
        yield head.target_extent, head.target
    else:
        yield head.status_extent, b"%d" % head.status
        yield head.reason_extent, head.reason
    yield head.version_extent, head.version
    yield from field_texts(head.fields, head.field_places())


def field_texts(
    fields: Iterable[Field], places: Iterable[FieldPlace]
) -> Iterator[tuple[Extent, bytes]]:
    for field, place in zip(fields, places, strict=True):
        yield place.name, field.name
        yield place.raw, field.raw


def event_texts(event: Event) -> Iterator[tuple[Extent, bytes]]:
    match event:
        case RequestHead() | ResponseHead():
            yield from texts(event)
        case Body():
            yield from zip(event.places, [data for _, _, data in event.pieces], strict=True)
        case MessageEnd():
            yield from field_texts(event.trailers, event.trailer_places())


def tiles(events: Iterable[Event]) -> list[Extent]:
    """The extents that share a well-formed stream among them, in order."""
    found: list[Extent] = []
    for event in events:
        match event:
            case RequestHead() | ResponseHead():
                lines = [place.line for place in event.field_places()]
                found += [event.line_extent, *lines]
                found.append(Extent(found[-1].stop, event.extent.stop))
            case Body() | ChunkLines():
                found += event.places
            case BodyGap():
                found.append(Extent(event.start, event.start + event.missing))
            case MessageEnd(trailer_lines=trailer) if trailer is not None:
                lines = [place.line for place in event.trailer_places()]
                found += lines
                found.append(Extent(lines[-1].stop if lines else trailer.start, trailer.stop))
    return sorted(extent for extent in found if extent.size)


def assert_shared(events: list[Event], stream: bytes) -> None:
    """Every byte of `stream` belongs to exactly one extent, and these say what is there."""
    end = 0
    for extent in tiles(events):
        assert extent.start == end
        end = extent.stop
    assert end == len(stream)
    for event in events:
        for extent, text in event_texts(event):
            assert stream[extent.start : extent.stop] == text


MESSAGES = st.one_of(
    st.tuples(st.just("request"), st.lists(requests(), min_size=1, max_size=3)),
    st.tuples(st.just("response"), st.lists(responses(), min_size=1, max_size=3)),
)


@given(MESSAGES)
def test_every_byte_of_a_message_belongs_to_one_extent(messages: tuple[Role, list[bytes]]) -> None:
    role, streams = messages
    stream = b"".join(streams)
    for batches in every_way(packets(stream)):
        http = placed(role)
        events = [event for batch in batches for event in http.receive(batch)]
        assert_shared(events, stream)
        assert http.position == len(stream)


@given(MESSAGES, st.sampled_from([0, 1, 3, 20]))
def test_a_message_ends_where_the_next_begins_however_much_of_its_body_is_wanted(
    messages: tuple[Role, list[bytes]], wanted: int
) -> None:
    role, streams = messages
    stream = b"".join(streams)
    for batches in every_way(packets(stream)):
        http = placed(role, wanted)
        begins, body, stops = [], [], []
        for event in [event for batch in batches for event in http.receive(batch)]:
            for extent, text in event_texts(event):
                assert stream[extent.start : extent.stop] == text
            if isinstance(event, RequestHead | ResponseHead):
                begins.append(event.extent.start)
                body.append(event.extent.stop)
            elif isinstance(event, MessageEnd):
                assert event.extent.start == body[-1]
                stops.append(event.extent.stop)
        sizes = [len(one) for one in streams]
        assert begins == [sum(sizes[:number]) for number in range(len(sizes))]
        assert stops == [*begins[1:], len(stream)]


@given(MESSAGES, st.data())
def test_places_go_on_behind_bytes_that_were_skipped(
    messages: tuple[Role, list[bytes]], data: st.DataObject
) -> None:
    """Of a body that nobody wants the chunk lines are told, and what is between is data."""
    role, streams = messages
    stream = b"".join(streams)
    http = placed(role, wanted=0)
    events: list[Event] = []
    position = 0
    while position < len(stream):
        if http.skippable:
            size = data.draw(st.integers(1, min(http.skippable, len(stream) - position)))
            events += http.skip(size, 1, 1)
        else:
            size = data.draw(st.integers(1, len(stream) - position))
            events += http.receive([(1, 1, stream[position : position + size])])
        position += size
        assert http.position == position
    assert_shared_but_data(events, stream)


def assert_shared_but_data(events: list[Event], stream: bytes) -> None:
    wanted = placed("request" if isinstance(events[0], RequestHead) else "response")
    whole = wanted.receive([(1, 1, stream)])
    assert tiles(events) == tiles(event for event in whole if not isinstance(event, Body))


def bodies_with_holes(chance: random.Random) -> tuple[bytes, list[Segment | int]]:
    """A stream of responses, and the same with some of the bodies' bytes gone."""
    stream = b""
    given: list[Segment | int] = []
    for number in range(chance.randint(1, 4)):
        content = chance.randbytes(chance.randint(4, 60))
        if chance.random() < 0.5:
            head = OK + b"Content-Length: %d\r\n\r\n" % len(content)
            line = tail = b""
        else:
            head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
            line = b"%x;a=b\r\n" % len(content)
            tail = b"\r\n0\r\nX-Trailer: %d\r\n\r\n" % number
        hole = chance.randint(1, len(content) - 2)
        behind = chance.randint(hole + 1, len(content))
        given += [
            (1, 1, head + line + content[:hole]),
            behind - hole,
            (2, 2, content[behind:] + tail),
        ]
        stream += head + line + content + tail
    return stream, given


@pytest.mark.parametrize("seed", range(200))
def test_places_go_on_behind_a_gap_of_known_size(seed: int) -> None:
    stream, given = bodies_with_holes(random.Random(seed))
    for batches in (given, list(one_by_one(given))):
        http = placed("response")
        events: list[Event] = []
        for item in batches:
            if isinstance(item, int):
                events += http.gap(item, 2, 2)
            else:
                events += http.receive([item])
        assert not any(event.complete for event in events if isinstance(event, MessageEnd))
        assert_shared(events, stream)


def one_by_one(given: Iterable[Segment | int]) -> Iterator[Segment | int]:
    for item in given:
        if isinstance(item, int):
            yield from [1] * item
        else:
            at, packet, data = item
            yield from [(at, packet, data[i : i + 1]) for i in range(len(data))]


@pytest.mark.parametrize(
    "head",
    [
        b"GET  /two-blanks   HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"GET\t/GET HTTP/1.1\nHost: x\n\n",
        b"GET /a b HTTP/1.1 HTTP/1.1\r\nA:\r\nB : 1\r\n\r\n",
        b"GET /a HTTP/1.1\r\n  Indented: first\r\nFolded: a\r\n  b\n\tc\r\nLast:d\r\n\r\n",
        b"GET /a HTTP/1.1\r\nno colon\r\nNul: \x00\r\nb\xffd name : x\r\n\r\n",
        b"GET http/1.1 http/1.1\r\n\r\n",
    ],
)
def test_malformed_heads_tell_places_too(head: bytes) -> None:
    stream = b"\r\n" + head
    for batches in every_way(packets(stream, b"GET /next HTTP/1.1\r\n\r\n")):
        http = placed("request")
        events = [event for batch in batches for event in http.receive(batch)]
        read, following = [event for event in events if isinstance(event, RequestHead)]
        assert read.extent == (2, len(stream))
        assert following.extent.start == len(stream)
        for extent, text in texts(read):
            assert stream[extent.start : extent.stop] == text
        for place in read.field_places():
            assert stream[: place.line.stop].endswith(b"\n")
            assert place.line.start <= place.name.start < place.raw.start <= place.line.stop


@pytest.mark.parametrize("line", [b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 200 Very OK"])
def test_a_reason_stands_at_the_end_of_its_line(line: bytes) -> None:
    (head, *_) = placed("response").receive(packets(line + b"\r\n\r\n"))
    assert isinstance(head, ResponseHead)
    for extent, text in texts(head):
        assert line[extent.start : extent.stop] == text


def test_a_head_that_breaks_off_ends_with_its_last_whole_line() -> None:
    http = placed("request")
    http.receive(packets(b"GET / HTTP/1.1\r\nHost: x\r\nAccep"))
    head, *_, end = http.gap(10, 2, 2)
    assert isinstance(head, RequestHead)
    assert isinstance(end, MessageEnd)
    assert head.extent == (0, 25)
    assert end.extent == (25, 25)
    (following, *_) = http.receive(packets(b"GET /2 HTTP/1.1\r\n\r\n"))[1:]
    assert isinstance(following, RequestHead)
    assert following.extent.start == 40


def test_out_of_step_the_stream_is_counted_on() -> None:
    http = Http1Parser("request", wants_body=lambda head: 0, midstream=True, start=7)
    (head, *_) = [
        event
        for data in (b"rest", b" of a body", b"GET / HT", b"TP/1.1\r\n\r\n")
        for event in http.receive([(1, 1, data)])
    ]
    assert isinstance(head, RequestHead)
    assert head.extent == (21, 39)


def test_what_was_held_at_an_upgrade_that_did_not_happen_has_its_places() -> None:
    connect = b"CONNECT a:443 HTTP/1.1\r\n\r\n"
    get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    for batches in every_way(packets(connect, connect + get, get)):
        http = placed("request")
        events = [event for batch in batches for event in http.receive(batch)]
        assert http.position == len(connect)
        events += http.resume()
        assert http.position == 2 * len(connect)
        events += http.resume()
        heads = [event for event in events if isinstance(event, RequestHead)]
        assert_shared(events, connect + connect + get + get)
        assert [head.start for head in heads] == [0, 26, 52, 52 + len(get)]


def test_a_tunnel_begins_behind_the_head_that_opened_it() -> None:
    http = placed("response")
    http.expect(b"CONNECT")
    *_, switched = http.receive(packets(OK, b"\r\n\x16\x03\x01", b"more"))
    assert isinstance(switched, Switched)
    assert switched.start == http.position == len(OK) + 2


def test_a_body_that_fails_ends_with_what_was_read_of_it() -> None:
    stream = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabXX"
    for batches in every_way(packets(stream)):
        http = placed("response")
        events = [event for batch in batches for event in http.receive(batch)]
        (end,) = [event for event in events if isinstance(event, MessageEnd)]
        (lines,) = [event for event in events if isinstance(event, ChunkLines)]
        assert end.extent.start == lines.places[0].start == 47
        assert 52 < end.extent.stop <= len(stream)


@pytest.mark.parametrize("wanted", range(9))
def test_a_piece_that_is_wanted_in_part_stands_where_that_part_is(wanted: int) -> None:
    stream = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n"
    for batches in every_way(packets(stream)):
        http = placed("response", wanted)
        events = [event for batch in batches for event in http.receive(batch)]
        pieces = [
            text for event in events if isinstance(event, Body) for text in event_texts(event)
        ]
        assert b"".join(text for _, text in pieces) == b"abcdefgh"[:wanted]
        assert all(stream[place.start : place.stop] == text for place, text in pieces)
