"""Frames are counted whatever pieces they come in, and a close says how it ended."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final

import pytest

from inspector.protocols.websocket import FrameCounter

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9


def frame(opcode: int, payload: bytes = b"", *, mask: bytes = b"", final: bool = True) -> bytes:
    """RFC 6455 5.2."""
    size = len(payload)
    head = bytes((opcode | 0x80 * final,))
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


TALK: Final = (
    frame(TEXT, b"a" * 30)
    + frame(TEXT, b"b" * 300, final=False)
    + frame(PING, b"?")
    + frame(0, b"c" * 70_000)
    + close(1011, b"upstream failed")
)


def counted(*pieces: bytes) -> tuple[int, int | None, bool]:
    frames = FrameCounter()
    for piece in pieces:
        frames.feed(piece)
    return frames.messages, frames.close_code, frames.is_lost


def test_whole_byte_by_byte_and_split_at_random_say_the_same() -> None:
    expected = (2, 1011, False)
    assert counted(TALK) == expected
    assert counted(*(TALK[at : at + 1] for at in range(len(TALK)))) == expected
    for seed in range(50):
        cuts = sorted(random.Random(seed).choices(range(len(TALK)), k=12))
        ends = [0, *cuts, len(TALK)]
        assert counted(*(TALK[a:b] for a, b in pairwise(ends))) == expected


@pytest.mark.parametrize("mask", [b"", b"\x01\x02\x03\x04", bytes(4)])
@pytest.mark.parametrize("code", [1000, 1001, 1011, 4999])
def test_a_close_says_its_status_masked_or_not(code: int, mask: bytes) -> None:
    assert counted(close(code, b"why", mask)) == (0, code, False)


def test_a_close_without_a_status_says_none() -> None:
    for empty in (frame(CLOSE), frame(CLOSE, mask=b"abcd"), frame(CLOSE, b"\x03")):
        frames = FrameCounter()
        frames.feed(empty)
        assert (frames.is_closed, frames.close_code) == (True, None)


def test_payloads_may_pass_unseen_but_nothing_else() -> None:
    frames = FrameCounter()
    frames.feed(TALK[:2])
    assert frames.skippable == 30
    frames.skip(30)
    frames.feed(TALK[32:])
    assert (frames.messages, frames.close_code, frames.is_lost) == (2, 1011, False)

    frames = FrameCounter()
    frames.feed(TALK[:2])
    frames.skip(31)
    assert frames.is_lost


def test_what_is_no_frame_or_follows_a_hole_says_nothing() -> None:
    assert counted(bytes((CLOSE | 0x80, 126, 1, 0)) + bytes(300)) == (0, None, True)
    assert counted(bytes((CLOSE, 2)) + b"\x03\xf3") == (0, None, True)
    frames = FrameCounter()
    frames.lose()
    frames.feed(TALK)
    assert (frames.messages, frames.close_code) == (0, None)
