"""Frames become messages whatever pieces they come in, and a close says how it ended."""

from __future__ import annotations

import random
import zlib
from typing import Final

import pytest

from inspector.protocols.content import Budget
from inspector.protocols.extent import Extent
from inspector.protocols.websocket import MESSAGE_LIMIT, MessageReader
from inspector.protocols.websocket_deflate import Inflater, agreed
from tests.protocols.conftest import at_random, bytewise, packets

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9


def frame(
    opcode: int, payload: bytes = b"", *, mask: bytes = b"", final: bool = True, bits: int = 0
) -> bytes:
    """RFC 6455 5.2."""
    size = len(payload)
    head = bytes((opcode | 0x80 * final | bits,))
    masked = 0x80 if mask else 0
    if size < 126:
        head += bytes((masked | size,))
    elif size < 1 << 16:
        head += bytes((masked | 126,)) + size.to_bytes(2, "big")
    else:
        head += bytes((masked | 127,)) + size.to_bytes(8, "big")
    if mask:
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return head + mask + payload


def close(code: int, reason: bytes = b"", mask: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason, mask=mask)


MASK: Final = b"\x01\xff\x03\x80"
LONG: Final = bytes(random.Random(6).randbytes(70_000))
TALK: Final = (
    frame(TEXT, b"a" * 30, mask=MASK)
    + frame(TEXT, b"b" * 300, final=False, mask=MASK)
    + frame(PING, b"?", mask=MASK)
    + frame(0, b"c" * 9, mask=b"1234", final=False)
    + frame(0, mask=MASK)
    + frame(2, LONG, mask=MASK)
    + frame(TEXT)
    + close(1011, b"upstream failed", mask=MASK)
)
SAID: Final = [b"a" * 30, b"b" * 300 + b"c" * 9, None, b""]


def read(reader: MessageReader, *batches: list[tuple[int, int, bytes]]) -> list[bytes | None]:
    return [message.data for part in batches for message in reader.feed(part)]


def heard(
    data: bytes, reader: MessageReader | None = None
) -> tuple[list[bytes | None], MessageReader]:
    """What a direction says, which is the same however it is cut."""
    reader = reader or MessageReader()
    return read(reader, packets(data)), reader


def test_whole_byte_by_byte_and_split_at_random_say_the_same() -> None:
    ways = [[packets(TALK)], bytewise(packets(TALK))]
    ways += [at_random(packets(TALK), random.Random(seed)) for seed in range(20)]
    for way in ways:
        reader = MessageReader(0)
        assert read(reader, *way) == SAID
        assert (reader.messages, reader.payload) == (4, 30 + 309 + 70_000)
        assert (reader.close_code, reader.close_reason) == (1011, b"upstream failed")
        assert not reader.is_lost
        assert not reader.faults
        places = reader.take_places() + reader.take_hidden()
        untold = 1 + len("upstream failed") + 6 * 4  # a ping's text, the reason, masks
        assert sum(place.size for place in places) == len(TALK) - untold
        assert reader.reason_place is not None
        assert reader.reason_place[0].stop == len(TALK)


@pytest.mark.parametrize("mask", [b"", b"\x01\x02\x03\x04", bytes(4)])
@pytest.mark.parametrize("code", [1000, 1001, 1011, 4999])
def test_a_close_says_its_status_masked_or_not(code: int, mask: bytes) -> None:
    _, reader = heard(close(code, b"why", mask))
    assert (reader.messages, reader.close_code, reader.is_lost) == (0, code, False)


def test_a_close_without_a_status_says_none() -> None:
    for empty in (frame(CLOSE), frame(CLOSE, mask=b"abcd"), frame(CLOSE, b"\x03")):
        _, reader = heard(empty)
        assert (reader.is_closed, reader.close_code) == (True, None)


def test_payloads_that_are_not_read_may_pass_unseen_but_nothing_else() -> None:
    talk = frame(2, b"a" * 30) + frame(TEXT, b"b")
    reader = MessageReader()
    reader.feed(packets(talk[:2]))
    assert reader.skippable == 30
    reader.skip(30)
    assert read(reader, packets(talk[32:])) == [b"b"]
    assert (reader.messages, reader.payload, reader.is_lost) == (2, 31, False)

    for data, count in ((talk[:2], 31), (frame(TEXT, b"abc")[:3], 1)):
        reader = MessageReader()
        reader.feed(packets(data))
        reader.skip(count)
        assert reader.is_lost


@pytest.mark.parametrize(
    "broken",
    [
        bytes((CLOSE | 0x80, 126, 1, 0)) + bytes(300),  # a control frame that is too long
        bytes((CLOSE, 2)) + b"\x03\xf3",  # one in parts
        frame(0x3),  # no opcode
        frame(0, b"a"),  # the rest of nothing
        frame(TEXT, b"a", final=False) + frame(TEXT, b"b"),  # a message in a message
    ],
)
def test_what_is_no_frame_ends_the_reading_by_name(broken: bytes) -> None:
    said, reader = heard(broken + frame(TEXT, b"more"))
    assert (said, reader.close_code, reader.is_lost) == ([], None, True)
    assert [fault.name for fault in reader.faults] == ["websocket-broken-frame"]


def test_behind_a_hole_nothing_is_said() -> None:
    reader = MessageReader()
    reader.lose()
    assert heard(TALK, reader)[0] == []
    assert (reader.messages, reader.close_code) == (0, None)


def test_a_message_that_is_too_long_is_counted_and_costs_no_memory() -> None:
    head = b"\x81\x7f" + (MESSAGE_LIMIT + 1).to_bytes(8, "big")
    reader = MessageReader()
    reader.feed(packets(head))
    assert reader.skippable == MESSAGE_LIMIT + 1
    reader.skip(MESSAGE_LIMIT + 1)
    assert read(reader, packets(frame(TEXT, b"next"))) == [b"next"]
    assert (reader.messages, reader.payload) == (2, MESSAGE_LIMIT + 5)
    assert [fault.name for fault in reader.faults] == ["websocket-oversized-message"]

    # A length that lies asks for no memory either.
    reader = MessageReader()
    reader.feed(packets(b"\x81\x7f\x7f" + b"\xff" * 7))
    assert reader.skippable == (1 << 63) - 1
    # In parts that are short each, it is the sum that counts.
    part = frame(0, b"p" * 60_000, final=False)
    _, reader = heard(frame(TEXT, b"", final=False) + part * 20 + frame(0))
    assert [fault.name for fault in reader.faults] == ["websocket-oversized-message"]
    assert reader.messages == 1


# -- permessage-deflate (RFC 7692) ------------------------------------------------------

WORDS: Final = [b'{"type":"response.created"}', b'{"type":"response.done"}', b"", b"r\xc3\xa4" * 40]


def deflated(*said: bytes, keeps: bool = True) -> list[bytes]:
    """Messages coded as a sender does it: one context for all, or one each."""
    coder = zlib.compressobj(wbits=-15)
    coded = []
    for text in said:
        if not keeps:
            coder = zlib.compressobj(wbits=-15)
        data = coder.compress(text) + coder.flush(zlib.Z_SYNC_FLUSH)
        coded.append(data.removesuffix(b"\0\0\xff\xff"))
    return coded


def inflater(*, keeps: bool = True, free: int = 1 << 24) -> Inflater:
    return Inflater(keeps_context=keeps, budgets=[Budget(free, 0)])


@pytest.mark.parametrize("keeps", [True, False])
def test_compressed_messages_are_decoded_in_their_order(keeps: bool) -> None:
    coded = deflated(*WORDS, keeps=keeps)
    talk = b"".join(frame(TEXT, data, bits=0x40, mask=MASK) for data in coded)
    for way in ([packets(talk)], bytewise(packets(talk))):
        assert read(MessageReader(inflater=inflater(keeps=keeps)), *way) == WORDS


def test_a_compressed_binary_message_is_decoded_for_those_that_refer_to_it() -> None:
    first, second = deflated(WORDS[0], WORDS[0])
    assert len(second) < 10  # it refers
    talk = frame(2, first, bits=0x40) + frame(TEXT, second, bits=0x40)
    assert heard(talk, MessageReader(inflater=inflater()))[0] == [None, WORDS[0]]


def test_a_block_that_says_it_is_the_last_is_not() -> None:
    coder = zlib.compressobj(wbits=-15)
    data = coder.compress(b"one") + coder.flush(zlib.Z_FINISH) + b"\0"
    tool = inflater()
    assert tool.message(data, 100) == b"one"
    assert tool.message(deflated(b"two")[0], 100) == b"two"


def test_a_bomb_costs_what_the_limits_say() -> None:
    bomb = deflated(bytes(8 << 20))[0]
    for limit in (inflater(), inflater(free=1000)):
        said, reader = heard(frame(TEXT, bomb, bits=0x40), MessageReader(inflater=limit))
        assert said == [None]
        assert [fault.name for fault in reader.faults] == ["decompression-limit"]
    # What follows may refer to what was not decoded; a message with no compression does not.
    _, second = deflated(WORDS[0], WORDS[0])
    follow = frame(TEXT, second, bits=0x40) + frame(TEXT, b"plain")
    assert read(reader, packets(follow)) == [None, b"plain"]


def test_a_coding_that_is_damaged_is_named_once_and_what_follows_is_not_guessed() -> None:
    talk = frame(TEXT, b"\xff" * 20, bits=0x40) + frame(TEXT, deflated(b"a")[0], bits=0x40)
    said, reader = heard(talk, MessageReader(inflater=inflater()))
    assert said == [None, None]
    assert [fault.name for fault in reader.faults] == ["websocket-coding-corrupt"]
    # Where each message stands for itself the next one is read.
    assert heard(talk, MessageReader(inflater=inflater(keeps=False)))[0] == [None, b"a"]


@pytest.mark.parametrize("bits", [0x40, 0x20, 0x10, 0x70])
def test_behind_an_extension_that_nobody_agreed_on_nothing_is_read(bits: int) -> None:
    said, reader = heard(frame(TEXT, b"a", bits=bits) + frame(TEXT, b"b"))
    assert said == []
    assert [fault.name for fault in reader.faults] == ["websocket-broken-frame"]


@pytest.mark.parametrize(
    "head",
    [b"\x81\x7e\0\x7d", b"\x81\x7f" + bytes(6) + b"\xff\xff", b"\x81\x7f\x80" + bytes(7)],
    ids=["two bytes for one", "eight for two", "the first bit of eight"],
)
def test_a_length_that_no_sender_writes_is_no_frame_and_no_place(head: bytes) -> None:
    reader = MessageReader(start=0)
    assert read(reader, packets(head + bytes(200))) == []
    assert [fault.name for fault in reader.faults] == ["websocket-broken-frame"]
    assert reader.take_places() == []


def test_of_a_frame_with_a_mask_the_place_is_that_of_its_numbers_alone() -> None:
    reader = MessageReader(start=0)
    assert read(reader, packets(b"\x81\x82LABO" + b"ab")) != []
    assert reader.take_places() == [Extent(0, 2)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("x-webkit-deflate-frame", None),
        ("permessage-deflate", (True, True)),
        ("Permessage-Deflate; server_no_context_takeover", (True, False)),
        (
            "a, permessage-deflate; client_no_context_takeover; server_max_window_bits=10",
            (False, 1),
        ),
        ("permessage-deflate;client_no_context_takeover ;server_no_context_takeover", (0, 0)),
    ],
)
def test_what_was_agreed_on(header: str | None, expected: tuple[bool, bool] | None) -> None:
    found = agreed(header)
    assert (found and (found[True], found[False])) == expected
