"""An event stream's fields stand where they are said to, and mean what they mean to a browser."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.protocols.body_places import BodyPlaces
from inspector.protocols.extent import Extent
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.messages import EVERYTHING, Body
from inspector.protocols.sse import SseParser
from inspector.protocols.sse_fields import NAME_LIMIT, EventEnd, SseField, SseFields
from tests.protocols.conftest import every_way, packets

LINE = st.one_of(
    st.builds(
        lambda name, colon, value: name + colon + value,
        st.sampled_from([b"data", b"event", b"id", b"", b"x", b"retry"]),
        st.sampled_from([b":", b": ", b":  "]),
        st.from_regex(rb"[a-z{}:\" \xe2\x82\xac]{0,12}", fullmatch=True),
    ),
    st.sampled_from([b"", b"data", b"other"]),
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def cut_fields(batches: list[list[tuple[int, int, bytes]]]) -> list[SseField | EventEnd]:
    fields = SseFields()
    return [field for batch in batches for _, _, data in batch for field in fields.feed(data)]


def described(body: bytes) -> list[tuple[bytes, bytes] | None]:
    """The lines of `body` as HTML 9.2.6 takes them apart; None: a blank one."""
    lines: list[tuple[bytes, bytes] | None] = []
    for line in body.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True):
        if line.endswith((b"\r", b"\n")):
            name, _, value = line.rstrip(b"\r\n").partition(b":")
            lines.append((name, value.removeprefix(b" ")) if line.strip(b"\r\n") else None)
    return lines


@given(st.booleans(), st.lists(st.tuples(LINE, ENDS), max_size=12), LINE)
def test_fields_are_those_of_the_standard_however_the_body_is_cut(
    bom: bool, lines: list[tuple[bytes, bytes]], rest: bytes
) -> None:
    body = b"\xef\xbb\xbf" * bom + b"".join(line + end for line, end in lines) + rest
    for batches in every_way(packets(body)):
        found = cut_fields(batches)
        told: list[tuple[bytes, bytes] | None] = []
        for field in found:
            if isinstance(field, EventEnd):
                told.append(None)
                assert body[field.at : field.at + 1] in (b"\r", b"\n")
                continue
            name = body[field.name_extent.start : field.name_extent.stop]
            assert name[:NAME_LIMIT] == field.name
            told.append((name, body[field.value.start : field.value.stop]))
        assert told == described(body)


@given(st.lists(st.tuples(st.sampled_from([b"ping", b"delta", b""]), ENDS), max_size=8))
def test_events_are_those_that_the_counting_parser_counts(
    events: list[tuple[bytes, bytes]],
) -> None:
    body = b"".join(
        (b"event: " + name + end) * bool(name) + b"data: {}" + end + end for name, end in events
    )
    parser = SseParser()
    parser.feed(packets(body))
    found = cut_fields([packets(body)])
    assert sum(isinstance(field, EventEnd) for field in found) == parser.finish(True).events


def test_a_field_of_any_length_is_told_while_it_goes_on() -> None:
    fields = SseFields(start=1000)
    assert fields.feed(b"da") == []
    assert fields.feed(b"ta: " + b"x" * 50_000) == []
    assert fields.begun == SseField(b"data", Extent(1000, 1004), Extent(1006, 51_006))
    assert fields.feed(b"\n\n") == [
        SseField(b"data", Extent(1000, 1004), Extent(1006, 51_006)),
        EventEnd(51_007),
    ]


def test_a_long_name_is_kept_in_part_and_placed_whole() -> None:
    (field,) = SseFields().feed(b"n" * 500 + b":v\n")
    assert field == SseField(b"n" * NAME_LIMIT, Extent(0, 500), Extent(501, 502))


@pytest.mark.parametrize("before", [b"", b"data: a", b"data: a\r", b"da", b"data:"])
def test_the_rest_of_a_line_behind_a_gap_tells_nothing(before: bytes) -> None:
    fields = SseFields()
    known = fields.feed(before)
    fields.gap(7)
    assert fields.begun is None
    start = len(before) + 7
    assert fields.feed(b"data: key\n") == []
    assert fields.feed(b"id:1\n\n") == [
        SseField(b"id", Extent(start + 10, start + 12), Extent(start + 13, start + 14)),
        EventEnd(start + 15),
    ]
    assert len(known) == before.endswith(b"\r")


@given(st.lists(st.tuples(LINE, ENDS), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_fields_of_a_chunked_body_stand_in_the_stream(
    lines: list[tuple[bytes, bytes]], chance: random.Random
) -> None:
    body = b"".join(line + end for line, end in lines)
    stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    rest = body
    while rest:
        size = chance.randint(1, len(rest))
        stream += b"%x\r\n%s\r\n" % (size, rest[:size])
        rest = rest[size:]
    stream += b"0\r\n\r\n"
    for batches in every_way(packets(stream)):
        http = Http1Parser("response", wants_body=lambda head: EVERYTHING, places=True)
        places, fields = BodyPlaces(), SseFields()
        found: list[SseField | EventEnd] = []
        for event in [event for batch in batches for event in http.receive(batch)]:
            if isinstance(event, Body):
                places.add(event.places)
                for _, _, data in event.pieces:
                    found += fields.feed(data)
        for field in found:
            if isinstance(field, SseField):
                for extent in (field.name_extent, field.value):
                    place = places.place(extent)
                    assert not place.decoded
                    assert body[extent.start : extent.stop] == b"".join(
                        stream[start:stop] for start, stop in place.extents
                    )
