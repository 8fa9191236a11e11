"""Frames and header blocks are read however they are cut; what is lost or hostile is named."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Final

import hpack
import pytest

from inspector.model.capture import Fault
from inspector.protocols.detect import H2_PREFACE, resumes_h2
from inspector.protocols.http2 import (
    BLOCK_LIMIT,
    Block,
    Data,
    GoAway,
    Http2Event,
    Http2Frames,
    Lost,
    Settings,
    StreamEnd,
)
from inspector.protocols.http2_fields import FieldReader
from inspector.wire import Segment
from tests.protocols.conftest import at_random, bytewise, packets
from tests.protocols.http2_memory import ASK, EVENTS, JSON, Talk


def frame(kind: int, payload: bytes = b"", *, stream: int = 0, flags: int = 0) -> bytes:
    """RFC 9113 4.1."""
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    )


def story(events: Iterable[Http2Event], reader: FieldReader | None = None) -> list[str]:
    """The events in words, which are the same for equal bytes."""
    reader = reader or FieldReader()
    told: list[str] = []
    bodies: dict[int, bytes] = {}
    for event in events:
        match event:
            case Data():
                got = b"".join(data for _, _, data in event.pieces)
                bodies[event.stream] = bodies.get(event.stream, b"") + got
            case Block():
                fields = None if event.data is None else reader.read(event.data)
                told.append(f"{event.stream}: {fields and fields.pairs}")
            case StreamEnd():
                how = "ends" if event.code is None else f"reset {event.code}"
                told.append(f"{event.stream} {how} {bodies.pop(event.stream, b'')!r}")
            case GoAway():
                told.append(f"goaway {event.last} {event.code}")
            case Settings():
                told.append(f"settings {sorted(event.values.items())[:1]}")
            case Lost():
                told.append(f"lost {event.stream}")
            case Fault():
                told.append(event.name)
    return told


def read(way: Iterable[Sequence[Segment]], *, client: bool = False) -> list[str]:
    frames = Http2Frames(is_client=client)
    return story([event for part in way for event in frames.receive(part)])


@pytest.fixture(scope="module")
def talk() -> Talk:
    talk = Talk()
    first = talk.ask(body=b'{"a":1}' * 30)
    second = talk.ask()
    talk.answer(second, EVENTS, b"event: ping\n\n", b"x" * 300, b"")
    talk.answer(first, JSON, b"{}")
    third = talk.ask()
    talk.server.reset_stream(third, 11)
    talk.server.close_connection(last_stream_id=3, additional_data=b"LABONLY words")
    return talk.pump()


@pytest.mark.parametrize("up", [True, False])
def test_however_a_direction_is_cut_it_says_the_same(talk: Talk, up: bool) -> None:
    segments = packets(talk.bytes(up))
    expected = read([segments], client=up)
    assert read(bytewise(segments), client=up) == expected
    for seed in range(10):
        assert read(at_random(segments, random.Random(seed)), client=up) == expected
    if up:
        pairs = [(name.encode(), value.encode()) for name, value in ASK]
        assert f"1: {pairs}" in expected
        assert expected.count(f"3: {pairs}") == 1
    else:
        assert "3 ends " + repr(b"event: ping\n\n" + b"x" * 300) in expected
        assert "1 ends b'{}'" in expected
        assert "5 reset 11 b''" in expected
        assert "goaway 3 0" in expected


@pytest.mark.parametrize("up", [True, False])
def test_every_byte_has_its_place_once(talk: Talk, up: bool) -> None:
    data = talk.bytes(up)
    for way in ([packets(data)], bytewise(packets(data))):
        frames = Http2Frames(is_client=up, places=True)
        seen = bytearray(len(data))
        for part in way:
            events = frames.receive(part)
            numbers, hidden = frames.take_places()
            blocks = [place for e in events if isinstance(e, Block) for place in e.places]
            bodies = [event.place for event in events if isinstance(event, Data)]
            for start, stop in (*numbers, *hidden, *blocks, *bodies):
                for at in range(start, stop):
                    seen[at] += 1
        start = len(H2_PREFACE) if up else 0
        assert set(seen[:start]) <= {0}
        assert set(seen[start:]) == {1}
        assert frames.position == len(data)
        assert frames.settled == len(data)


def test_data_may_pass_unseen_and_a_hole_in_it_costs_that_stream_alone() -> None:
    data = frame(0, b"\x03" + b"b" * 100 + bytes(3), stream=1, flags=8) + frame(
        0, b"c", stream=3, flags=1
    )
    frames = Http2Frames(is_client=False)
    frames.receive(packets(data[:15]))
    assert frames.left == (1, 95)
    told = frames.skip(50, 1, 1)
    assert [event.size for event in told if isinstance(event, Data)] == [50]
    assert story(frames.gap(20, 2)) == ["lost 1"]
    rest = frames.receive(packets(data[85:]))
    assert story(rest) == ["3 ends b'c'"]
    assert sum(event.size for event in rest if isinstance(event, Data)) == 26


def test_behind_another_hole_it_goes_on_at_whole_frames() -> None:
    frames = Http2Frames(is_client=False)
    frames.receive(packets(frame(4)))
    assert story(frames.gap(1, 2)) == ["lost 0"]
    assert not frames.receive(packets(b"rest of something"))
    ping = frame(6, bytes(8)) + frame(0, b"data", stream=1, flags=1)
    assert story(frames.receive(packets(ping))) == ["1 ends b'data'"]


BLOCK: Final = hpack.Encoder().encode([(b":status", b"200"), (b"server", b"lab")])


def test_a_block_is_joined_from_its_continuations_without_padding_and_priority() -> None:
    payload = b"\x02" + bytes(5) + BLOCK[:1] + bytes(2)
    data = frame(1, payload, stream=1, flags=0x28) + frame(9, BLOCK[1:3], stream=1)
    data += frame(9, BLOCK[3:], stream=1, flags=4)
    for way in ([packets(data)], bytewise(packets(data))):
        assert read(way) == ["1: [(b':status', b'200'), (b'server', b'lab')]"]


@pytest.mark.parametrize(
    "flood",
    [
        frame(9, b"", stream=1) * 300,
        frame(9, b"a" * 16_000, stream=1) * 20,
        frame(9, b"a" * (BLOCK_LIMIT + 1), stream=1),
    ],
    ids=["of empty frames", "of long frames", "of one frame"],
)
def test_a_flood_of_continuations_is_not_kept(flood: bytes) -> None:
    data = frame(1, BLOCK, stream=1) + flood + frame(9, b"", stream=1, flags=4)
    frames = Http2Frames(is_client=False)
    kept = 0
    told = []
    for at in range(0, len(data), 5000):
        told += frames.receive(packets(data[at : at + 5000]))
        kept = max(kept, sum(map(len, frames._block or ())) + len(frames._payload))
    assert story(told) == ["http2-header-block-too-large", "1: None"]
    assert kept <= BLOCK_LIMIT + 16_000


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        frame(0, b"a", stream=0),
        frame(4, b"12345"),
        frame(9, b"", stream=1),
        frame(1, b"", stream=1) + frame(0, b"a", stream=1),
        frame(0, b"\x09a", stream=1, flags=8),
        frame(1, b"\xff", stream=1, flags=0xC),
        b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
    ],
)
def test_what_is_no_frame_is_named_and_nothing_is_kept(broken: bytes) -> None:
    assert read([packets(broken)]) == ["http2-broken-frame", "lost 0"]
    assert read(bytewise(packets(broken))) == ["http2-broken-frame", "lost 0"]


# -- header tables (RFC 7541) -----------------------------------------------------------


def test_of_a_table_whose_start_is_unknown_what_is_spelt_out_is_told() -> None:
    coder = hpack.Encoder()
    head = [(b":method", b"POST"), (b":path", b"/v1/messages"), (b"x-lab", b"one")]
    coder.encode(head)
    later = coder.encode([*head, (b"x-new", b"two")])
    again = coder.encode([*head, (b"x-new", b"two")])

    reader = FieldReader(midstream=True)
    told = reader.read(later)
    assert told is not None
    assert not told.is_whole
    assert told.pseudo == {b":method": b"POST"}  # of the static table
    assert told.fields == ((b"x-new", b"two"),)
    told = reader.read(again)  # what was spelt out once is known from then on
    assert told is not None
    assert told.fields == ((b"x-new", b"two"),)
    assert not told.is_whole
    # From the first block on an unknown reference is no block.
    assert FieldReader().read(later) is None


def test_behind_a_block_that_was_not_read_nothing_of_the_table_is_guessed() -> None:
    coder, reader = hpack.Encoder(), FieldReader()
    first = [(b"x-lab", b"one"), (b"x-two", b"two")]
    assert reader.read(coder.encode(first)) is not None
    coder.encode([(b"x-three", b"three")])
    reader.lose()
    told = reader.read(coder.encode(first))
    assert told is not None
    assert (told.fields, told.is_whole) == ((), False)


def test_a_bomb_of_references_costs_what_the_limit_says() -> None:
    coder = hpack.Encoder()
    coder.encode([(b"x-lab", b"a" * 3900)])
    reader = FieldReader()
    assert reader.read(hpack.Encoder().encode([(b"x-lab", b"a" * 3900)])) is not None
    assert reader.read(b"\xbe" * 20_000) is None


@pytest.mark.parametrize("table", [b"\x3f\xe1\xff\xff\xff\x7f", b"\x3f\xe1\x7f\x88"])
def test_a_table_may_be_larger_than_without_settings_but_not_huge(table: bytes) -> None:
    told = FieldReader().read(table)
    assert (told is None) is (len(table) > 4)


def test_random_bytes_never_raise() -> None:
    chance = random.Random(2)
    for _ in range(300):
        noise = chance.randbytes(chance.randint(1, 200))
        FieldReader(midstream=chance.random() < 0.5).read(noise)
        frames = Http2Frames(is_client=False, places=True)
        frames.receive(
            packets(
                frame(chance.randint(0, 10), noise, stream=1, flags=chance.randint(0, 255)), noise
            )
        )
        frames.gap(3, 9)
        frames.receive(packets(noise))


def test_frames_are_told_in_mid_stream_and_hardly_anything_else_is() -> None:
    assert resumes_h2(frame(8, b"\0\0\1\0"))
    assert resumes_h2(frame(1, BLOCK, stream=1, flags=5))
    assert not resumes_h2(frame(4, flags=1))  # nine bytes
    assert not resumes_h2(frame(0, b"data", stream=1)[:-1])
    assert not resumes_h2(bytes(40))
    chance = random.Random(3)
    assert not any(resumes_h2(chance.randbytes(60)) for _ in range(20_000))


def test_the_library_logs_no_field(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    block = hpack.Encoder().encode([(b"x-api-key", b"LABONLY")])
    caplog.clear()
    assert FieldReader().read(block) is not None
    assert not caplog.records
